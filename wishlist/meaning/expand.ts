import type { Recipe } from '../recipe/recipe.ts';
import type { KnownPattern } from './removal.ts';
import {
  uncertaintyOfWish,
  uncertaintiesOfLines,
  type RefusedImages,
  type Uncertainty,
} from './uncertainty.ts';
import { confine, type Confined, type Policy, SourceBudgets } from './confine.ts';
import {
  effectiveSettings,
  namesOf,
  type RecipeProblem,
  type RecipeWish,
  type WishedImage,
} from './wished-image.ts';
import { asFailure, isFailure, type Failure } from '../../core/failure.ts';
import {
  atMost,
  conflictProblem,
  furtherProblems,
  incomplete,
  passedOver,
  tooCostly,
  tooManyImages,
  tooWide,
  unmatched,
  unusableTag,
  type Matching,
  type PatternLimit,
} from './expansion-problems.ts';
import { RECIPE_LIMITS } from '../recipe/limits.ts';
import type { Wish } from '../recipe/wish.ts';
import type { Problem } from '../recipe/problem.ts';
import { versionSuffix, withTag, type ImageReference, type TagList } from '../../core/oci/reference.ts';
import { NO_SETTINGS, type WishSettings } from '../recipe/settings.ts';
import { readTagLists, type ListTags } from './tag-lists.ts';
import {
  ARTIFACT_TAGS,
  isArtifactTag,
  isNamedBy,
  narrowed,
  selectionCost,
  selectTags,
  type TagSelection,
} from '../tags/tag-selection.ts';
import { OlderTags } from './older-tags.ts';
import { Breath } from '../../core/turns.ts';
import { assignNames, type Meant, type Conflict } from './wished-images.ts';

export type { Policy } from './confine.ts';
export type { ListTags } from './tag-lists.ts';
export type { RecipeProblem, RecipeWish, WishedImage } from './wished-image.ts';

/** The images that wishes mean at the moment. */
export interface Expansion {
  /**
   * In the order of the wishes and, for a pattern, of the registry's list. Each public name once for each repository:
   * where repositories differ in what they ask for, the name is there several times.
   */
  readonly images: readonly WishedImage[];
  /** Patterns whose tag list could not be read, and wishes that failed unexpectedly. */
  readonly failures: readonly (RecipeWish & { readonly failure: Failure })[];
  /**
   * Errors `registry-not-allowed`, `subdirectory-not-allowed`, `http-not-allowed`, `pattern-too-wide`,
   * `pattern-too-costly` and `images-too-many`, whose wishes give no image, and `name-conflict` and
   * `repository-not-allowed`, whose wishes give the rest of theirs; warnings `pattern-unmatched`, `tags-incomplete` and
   * `tag-unusableTag`; notes `artifacts-passed-over`. Not the problems of the recipes themselves.
   */
  readonly problems: readonly RecipeProblem[];
  /** The recipes' repositories, each once, even those in which they want nothing any more. */
  readonly repositories: readonly string[];
  /** Further images that the recipes may ask for: by lines that are wrong, or whose images are not known. */
  readonly uncertainties: readonly Uncertainty[];
  /** Patterns all of whose images are among `images`. */
  readonly patterns: readonly KnownPattern[];
  /** What the lines ask for that are refused. */
  readonly refused: readonly RefusedImages[];
}

/**
 * Resolves the wishes of all `recipes` to images. Each repository with patterns is listed once. Where `listTags` throws,
 * only the wishes for that repository fail, and an error with a wish is its own failure.
 *
 * `defaults` count where neither a wish nor its recipe says anything. Where nobody names platforms an image is for linux/amd64,
 * which is written out where another wish for the same image names platforms. Where several wishes mean one image in
 * one repository it gets the platforms and outputs of all, and is kept for the longest time.
 *
 * Wishes that their recipe's confinement or `policy` does not allow are refused before any registry is asked.
 */
export async function expandRecipes(
  recipes: readonly Recipe[],
  listTags: ListTags,
  defaults: WishSettings = NO_SETTINGS,
  policy: Policy = {},
): Promise<Expansion> {
  const confined = recipes.map((recipe) => confine(recipe, policy));
  const settled = confined.map((one) => {
    const settle = (wish: Wish): SettledLine =>
      settledLine({ recipe: one.recipe, wish }, { defaults, policy });
    return { confined: one, lines: one.recipe.wishes.map(settle), refused: one.refused.map(settle) };
  });
  const patterns = settled.flatMap(({ lines }) => lines.filter(hasSelection));
  const budgets = new SourceBudgets(policy.images);
  const older = new OlderTags();
  const asking = patterns.map(({ line, selection, limit }) => ({
    reference: line.wish.reference,
    choose: (list: TagList): Chosen | TooCostly => {
      const cost = selectionCost(selection, list.tags.length);
      if (budgets.takeComparisons(line, cost))
        return { ...chosenFrom(list, selection, limit.tags), matching: older.of(selection, list) };
      return { listed: list.tags.length, isTooCostly: true };
    },
  }));
  const lists = await readTagLists(asking, listTags);
  const chosen = new Map<SettledLine, Answer | undefined>(
    patterns.map((line, index) => [line, lists[index]]),
  );
  const expander = new Expander(policy, budgets);
  const breath = new Breath();
  for (const { confined: one, lines, refused } of settled) {
    expander.begin(one, refused);
    for (const line of lines) {
      expander.tryToAdd(line, chosen.get(line));
      if (breath.isDue) await breath.take();
    }
  }
  return await expander.expansion();
}

/** A wish with the settings that count for it. */
interface SettledLine {
  readonly line: RecipeWish;
  readonly settings: ReturnType<typeof effectiveSettings>;
  readonly limit: PatternLimit;
  /** `undefined` for a wish that is not a pattern. */
  readonly selection: TagSelection | undefined;
}

function settledLine(
  line: RecipeWish,
  { defaults, policy }: { readonly defaults: WishSettings; readonly policy: Policy },
): SettledLine {
  const settings = effectiveSettings(line, defaults);
  const limit = limitOf(settings.limit, line.recipe.confinement?.limit ?? policy.limit);
  return { line, settings, limit, selection: narrowed(line.wish.selection, settings.exclude) };
}

function hasSelection(line: SettledLine): line is SettledLine & { readonly selection: TagSelection } {
  return line.selection !== undefined;
}

/** The tags that a pattern means; of the list little else is kept. */
interface Chosen {
  readonly images: Matching;
  /** Matching tags that are not of images. */
  readonly artifacts: Matching;
  /** The number of tags in the list. */
  readonly listed: number;
  readonly isWhole: boolean;
  /** As {@link KnownPattern.listed}. */
  readonly matching: ReadonlySet<string> | undefined;
}

/** A list that would take too long to compare with a pattern. */
interface TooCostly {
  readonly listed: number;
  readonly isTooCostly: true;
}

/** The result for a pattern, or why its tag list is missing. */
type Answer = Chosen | TooCostly | Failure;

function chosenFrom(
  { tags, isWhole }: TagList,
  selection: TagSelection,
  limit: number,
): Omit<Chosen, 'matching'> {
  const matching = selectTags(selection, tags);
  const isArtifact = (tag: string): boolean => isArtifactTag(tag) && !isNamedBy(selection, tag);
  return {
    images: atMost(
      limit,
      matching.filter((tag) => !isArtifact(tag)),
    ),
    artifacts: atMost(0, matching.filter(isArtifact)),
    listed: tags.length,
    isWhole,
  };
}

function matchingOf(answer: Answer | undefined): KnownPattern['listed'] {
  return answer !== undefined && 'matching' in answer ? answer.matching : undefined;
}

/** The tags that a wish means. */
interface MeantTags {
  /** `'single'` for a wish that is not a pattern; `undefined` where none of them is taken. */
  readonly tags: readonly string[] | 'single' | undefined;
  /** Further tags that it may mean. */
  readonly uncertain: readonly TagSelection[];
}

class Expander {
  readonly #policy: Policy;
  readonly #budgets: SourceBudgets;
  readonly #recipes: Recipe[] = [];
  readonly #meant: Meant[] = [];
  readonly #failures: Expansion['failures'][number][] = [];
  readonly #problems: RecipeProblem[] = [];
  /** By recipe, how many were found. */
  readonly #problemCounts = new Map<Recipe, number>();
  readonly #uncertainties: Uncertainty[] = [];
  readonly #patterns: KnownPattern[] = [];
  readonly #refused: RefusedImages[] = [];

  constructor(policy: Policy, budgets: SourceBudgets) {
    this.#policy = policy;
    this.#budgets = budgets;
  }

  async expansion(): Promise<Expansion> {
    const { images, conflicts } = await assignNames(this.#meant, this.#policy);
    for (const [{ line, names }, found] of conflicts) this.#reportConflicts(line, names, found);
    return {
      images,
      repositories: [...new Set(this.#recipes.flatMap(({ repositories }) => repositories))],
      failures: this.#failures,
      problems: this.#problems,
      uncertainties: [...this.#recipes.flatMap(uncertaintiesOfLines), ...this.#uncertainties],
      patterns: this.#patterns,
      refused: this.#refused,
    };
  }

  /** Called for each recipe, before its lines are added. */
  begin({ recipe, problems }: Confined, refused: readonly SettledLine[]): void {
    this.#recipes.push(recipe);
    for (const problem of problems) this.#report({ recipe }, problem);
    for (const { line, selection, settings } of refused) {
      const images = uncertaintyOfWish(line, { selection, subdirectory: settings.subdirectory });
      this.#refused.push({ ...images, source: line.wish.origin?.source });
    }
  }

  /** @param chosen `undefined` for a single image */
  tryToAdd(settled: SettledLine, chosen: Answer | undefined): void {
    try {
      this.#add(settled, chosen);
    } catch (error) {
      this.#failures.push({ ...settled.line, failure: asFailure(error) });
      this.#addUncertainty(settled, settled.selection);
    }
  }

  #add(settled: SettledLine, chosen: Answer | undefined): void {
    const { tags, uncertain } = this.#tagsOf(settled, chosen);
    if (tags !== undefined) this.#addImages(settled, this.#referencesOf(settled.line, tags));
    if (settled.selection !== undefined && tags !== undefined && tags !== 'single')
      this.#addKnown(settled, settled.selection, matchingOf(chosen));
    for (const one of uncertain) this.#addUncertainty(settled, one);
  }

  #addUncertainty(
    { line, settings: { subdirectory } }: SettledLine,
    selection: TagSelection | undefined,
  ): void {
    this.#uncertainties.push(uncertaintyOfWish(line, { selection, subdirectory }));
  }

  #addKnown(settled: SettledLine, selection: TagSelection, listed: KnownPattern['listed']): void {
    if (selection.newest !== undefined && listed === undefined) {
      this.#addUncertainty(settled, selection);
      return;
    }
    const { line, settings } = settled;
    const { reference } = line.wish;
    const { subdirectory } = settings;
    const pattern = uncertaintyOfWish(line, { selection, subdirectory });
    this.#patterns.push({ ...pattern, image: namesOf(reference, subdirectory), reference, listed });
  }

  #tagsOf({ line, selection, limit }: SettledLine, chosen: Answer | undefined): MeantTags {
    if (selection === undefined || chosen === undefined) return { tags: 'single', uncertain: [] };
    const known = this.#known(line, chosen);
    if (known === undefined) return { tags: undefined, uncertain: [selection] };
    const { images, artifacts, listed, isWhole } = known;
    if (artifacts.count > 0) this.#report(line, passedOver(line.wish, artifacts));
    if (!isWhole) this.#report(line, incomplete(line.wish, listed));
    else if (images.count === 0) this.#report(line, unmatched(line.wish, selection, listed));
    const isTooWide = images.count > limit.tags;
    if (isTooWide) this.#report(line, tooWide(line.wish, images, limit));
    if (isTooWide || !isWhole) return { tags: isTooWide ? undefined : images.tags, uncertain: [selection] };
    // A tag that only looks like an artifact's must not lead to a removal.
    const hidden = { ...selection, include: ARTIFACT_TAGS };
    return { tags: images.tags, uncertain: artifacts.count > 0 ? [hidden] : [] };
  }

  #known(line: RecipeWish, answer: Answer): Chosen | undefined {
    if (isFailure(answer)) this.#failures.push({ ...line, failure: answer });
    else if ('isTooCostly' in answer) this.#report(line, tooCostly(line.wish, answer.listed));
    else return answer;
    return undefined;
  }

  /** The list comes from outside: a name in it that is not a valid tag must not become a path. */
  #referencesOf(line: RecipeWish, tags: readonly string[] | 'single'): readonly ImageReference[] {
    if (tags === 'single') return [line.wish.reference];
    const references: ImageReference[] = [];
    for (const tag of tags) {
      try {
        references.push(withTag(line.wish.reference, tag));
      } catch (error) {
        if (!isFailure(error, 'reference-invalid')) throw error;
        this.#report(line, unusableTag(line.wish, error));
      }
    }
    return references;
  }

  #addImages(settled: SettledLine, references: readonly ImageReference[]): void {
    const { line, settings } = settled;
    const { platforms, outputs, keep, keptDigests, subdirectory } = settings;
    const kept = keptDigests === undefined ? undefined : { keptDigests };
    if (!this.#budgets.takeImages(line, references.length * (platforms?.length ?? 1))) {
      this.#report(line, tooManyImages(line.wish, this.#budgets.images));
      this.#addUncertainty(settled, settled.selection);
      return;
    }
    const repositories = line.wish.repositories ?? line.recipe.repositories;
    const wishes = [line];
    const names = namesOf(line.wish.reference, subdirectory);
    const images = references.map((reference): WishedImage => {
      const publicName = `${names}${versionSuffix(reference)}`;
      const isNamed = isNamedBy(line.wish.selection, reference.tag);
      return { reference, publicName, repositories, platforms, outputs, keep, ...kept, isNamed, wishes };
    });
    this.#meant.push({ line, names, images });
  }

  #reportConflicts(line: RecipeWish, names: string, conflicts: readonly Conflict[]): void {
    this.#report(line, conflictProblem(line, conflicts));
    const refused = [...new Set(conflicts.flatMap((conflict) => conflict.repositories))];
    this.#uncertainties.push({
      repositories: refused,
      image: names,
      inAnySubdirectory: false,
      selection: undefined,
    });
  }

  /** The problems of one recipe must not hide those of others. */
  #report({ recipe }: Pick<RecipeWish, 'recipe'>, problem: Problem): void {
    const count = (this.#problemCounts.get(recipe) ?? 0) + 1;
    this.#problemCounts.set(recipe, count);
    if (count <= RECIPE_LIMITS.problems) this.#problems.push({ recipe, problem });
    if (count === RECIPE_LIMITS.problems + 1)
      this.#problems.push({ recipe, problem: furtherProblems(problem) });
  }
}

/** The number of tags that a pattern may match: its own limit, but at most the operator's. */
function limitOf(own: number | undefined, most = Number.POSITIVE_INFINITY): PatternLimit {
  return { tags: Math.min(own ?? most, most), most };
}
