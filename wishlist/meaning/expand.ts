import { doubtOfWish, doubtsOfLines, type Doubt } from './doubt.ts';
import { effectiveSettings } from './effective-settings.ts';
import { isFailure, type Failure } from '../failure.ts';
import {
  conflictProblem,
  incomplete,
  passedOver,
  tooWide,
  unmatched,
  unusable,
} from './expansion-problems.ts';
import type { Problem } from '../recipe/problem.ts';
import { versionSuffix, withTag, type ImageReference } from '../reference/reference.ts';
import { NO_SETTINGS, type WishSettings } from '../recipe/settings.ts';
import { TagLists, type ListTags } from './tag-lists.ts';
import { ARTIFACT_TAGS, isArtifactTag, isNamedBy } from '../tags/artifact-tag.ts';
import { selectTags, type TagSelection } from '../tags/tag-selection.ts';
import {
  namesOf,
  type RecipeProblem,
  type RecipeWish,
  type WishedImage,
  type Wishlist,
} from './wished-image.ts';
import { WishedImages } from './wished-images.ts';

export type { ListTags } from './tag-lists.ts';
export type { RecipeProblem, RecipeWish, WantedPlatform, WishedImage, Wishlist } from './wished-image.ts';

/** What wishes mean at the moment. */
export interface Expansion {
  /**
   * In the order of the wishes and, for a pattern, of the registry's list. Each public name once for each repository:
   * where repositories differ in what they ask for, the name is there several times.
   */
  readonly images: readonly WishedImage[];
  /** Patterns whose tag list could not be had. */
  readonly failures: readonly (RecipeWish & { readonly failure: Failure })[];
  /**
   * Errors `pattern-too-wide`, whose wishes give no image, and `name-conflict`, whose wishes give the rest of theirs;
   * warnings `pattern-unmatched`, `tags-incomplete` and `tag-unusable`; notes `artifacts-passed-over`. Not the problems of the recipes themselves.
   */
  readonly problems: readonly RecipeProblem[];
  /** What the recipes may ask for beside `images`: by lines that are wrong, or whose images are not known. */
  readonly doubts: readonly Doubt[];
}

/**
 * Finds out which images the wishes of all `recipes` mean. Each repository with patterns is listed once. Where
 * `listTags` throws a `Failure` only the wishes for that repository fail; any other error is thrown.
 *
 * What neither a wish nor its recipe says `defaults` say. Where nobody names platforms an image is for linux/amd64,
 * which is written out where another wish for the same image names platforms. Where several wishes mean one image in
 * one repository it gets the platforms and outputs of all, and is kept for the longest time.
 */
export async function expandRecipes(
  recipes: readonly Wishlist[],
  listTags: ListTags,
  defaults: WishSettings = NO_SETTINGS,
): Promise<Expansion> {
  const lists = await TagLists.read(
    recipes.flatMap(({ wishes }) => wishes),
    listTags,
  );
  const expander = new Expander(lists, defaults);
  for (const recipe of recipes) {
    for (const wish of recipe.wishes) expander.add({ recipe, wish });
  }
  return expander.expansion(recipes);
}

/** What a wish means in its repository. */
interface MeantTags {
  /** `'single'` for a wish that is no pattern; `undefined` where they do not count. */
  readonly tags: readonly string[] | 'single' | undefined;
  /** What it may mean as well. */
  readonly doubtful: readonly TagSelection[];
}

class Expander {
  readonly #lists: TagLists;
  readonly #defaults: WishSettings;
  readonly #images = new WishedImages();
  readonly #failures: Expansion['failures'][number][] = [];
  readonly #problems: RecipeProblem[] = [];
  readonly #doubts: Doubt[] = [];

  constructor(lists: TagLists, defaults: WishSettings) {
    this.#lists = lists;
    this.#defaults = defaults;
  }

  expansion(recipes: readonly Wishlist[]): Expansion {
    return {
      images: this.#images.all(),
      failures: this.#failures,
      problems: this.#problems,
      doubts: [...recipes.flatMap(doubtsOfLines), ...this.#doubts],
    };
  }

  add(line: RecipeWish): void {
    const { limit, subdirectory, ...settings } = effectiveSettings(line, this.#defaults);
    const selection = narrowed(line.wish.selection, settings.exclude);
    const { tags, doubtful } = this.#tagsOf(line, selection, limit);
    if (tags !== undefined)
      this.#addImages(line, this.#referencesOf(line, tags), { ...settings, limit, subdirectory });
    for (const one of doubtful) this.#doubts.push(doubtOfWish(line, { selection: one, subdirectory }));
  }

  #tagsOf(
    line: RecipeWish,
    selection: TagSelection | undefined,
    limit = Number.POSITIVE_INFINITY,
  ): MeantTags {
    if (selection === undefined) return { tags: 'single', doubtful: [] };
    const list = this.#lists.of(line.wish.reference);
    if (isFailure(list)) {
      this.#failures.push({ ...line, failure: list });
      return { tags: undefined, doubtful: [selection] };
    }
    const matching = selectTags(selection, list.tags);
    const tags = matching.filter((tag) => !isArtifactTag(tag) || isNamedBy(selection, tag));
    const artifacts = matching.filter((tag) => isArtifactTag(tag) && !isNamedBy(selection, tag));
    if (artifacts.length > 0) this.#tell(line, passedOver(line.wish, artifacts));
    if (!list.isWhole) this.#tell(line, incomplete(line.wish, list));
    else if (tags.length === 0) this.#tell(line, unmatched(line.wish, selection, list.tags.length));
    const isTooWide = tags.length > limit;
    if (isTooWide) this.#tell(line, tooWide(line.wish, tags, limit));
    if (isTooWide || !list.isWhole) return { tags: isTooWide ? undefined : tags, doubtful: [selection] };
    // A name alone takes nothing away.
    const hidden = { ...selection, include: ARTIFACT_TAGS };
    return { tags, doubtful: artifacts.length > 0 ? [hidden] : [] };
  }

  /** The list comes from outside: a name in it that is no tag must not become a path. */
  #referencesOf(line: RecipeWish, tags: readonly string[] | 'single'): readonly ImageReference[] {
    if (tags === 'single') return [line.wish.reference];
    const references: ImageReference[] = [];
    for (const tag of tags) {
      try {
        references.push(withTag(line.wish.reference, tag));
      } catch (error) {
        if (!isFailure(error, 'reference-invalid')) throw error;
        this.#tell(line, unusable(line.wish, error));
      }
    }
    return references;
  }

  #addImages(
    line: RecipeWish,
    references: readonly ImageReference[],
    { platforms, outputs, keep, subdirectory }: ReturnType<typeof effectiveSettings>,
  ): void {
    const repositories = line.wish.repositories ?? line.recipe.repositories;
    const wishes = [line];
    const names = namesOf(line.wish.reference, subdirectory);
    const conflicts = references.flatMap((reference) => {
      const publicName = `${names}${versionSuffix(reference)}`;
      const isNamed = isNamedBy(line.wish.selection, reference.tag);
      const terms = { platforms, outputs, keep, isNamed, wishes };
      return this.#images.add({ reference, publicName, repositories, ...terms });
    });
    if (conflicts.length === 0) return;
    this.#tell(line, conflictProblem(line, conflicts));
    const refused = [...new Set(conflicts.flatMap((conflict) => conflict.repositories))];
    this.#doubts.push({ repositories: refused, image: names, isAnywhere: false, selection: undefined });
  }

  #tell({ recipe }: RecipeWish, problem: Problem): void {
    this.#problems.push({ recipe, problem });
  }
}

function narrowed(
  selection: TagSelection | undefined,
  exclude: readonly string[] = [],
): TagSelection | undefined {
  if (selection === undefined || exclude.length === 0) return selection;
  return { ...selection, exclude: [...selection.exclude, ...exclude] };
}
