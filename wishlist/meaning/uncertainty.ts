import type { Recipe } from '../recipe/recipe.ts';
import { orUndefined } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { SOURCE_LIMITS } from './confine.ts';
import { selectionCost, selectTags, type TagSelection } from '../tags/tag-selection.ts';
import { namesOf, type RecipeWish } from './wished-image.ts';

/** Images that somebody may ask for, though nobody is known to: they must not be removed. */
export interface Uncertainty {
  /** `undefined` for all repositories. */
  readonly repositories: readonly string[] | undefined;
  /** `[<subdirectory>/]<registry>/<repository>`; `undefined` for all images. */
  readonly image: string | undefined;
  /** Also the image in any further subdirectory. */
  readonly inAnySubdirectory: boolean;
  /** Tags of the image; `undefined` for all, and for those named by digest. */
  readonly selection: TagSelection | undefined;
}

/** Images that a line asks for which is refused. */
export interface RefusedImages extends Uncertainty {
  /** As the wish's origin names it; `undefined` for a recipe named on the command line. */
  readonly source: string | undefined;
}

/** Any image in any repository: what a source may ask for that was never read. */
export const ANYTHING: Uncertainty = {
  repositories: undefined,
  image: undefined,
  inAnySubdirectory: true,
  selection: undefined,
};

/**
 * For a wish whose images are not all known: everything that its pattern matches, though it may mean only the newest of
 * that.
 */
export function uncertaintyOfWish(
  { recipe, wish }: RecipeWish,
  { selection, subdirectory }: { selection: TagSelection | undefined; subdirectory: string | undefined },
): Uncertainty {
  return {
    repositories: wish.repositories ?? recipe.repositories,
    image: namesOf(wish.reference, subdirectory),
    inAnySubdirectory: false,
    selection: selection === undefined ? undefined : { ...selection, newest: undefined },
  };
}

/**
 * For the wrong lines of a recipe. Where only the tag or digest is wrong a line may mean any tag of the image, in any
 * subdirectory; otherwise anything in the recipe's repositories, which are right: without them it would not be a recipe.
 */
export function uncertaintiesOfLines({ problems, repositories }: Recipe): Uncertainty[] {
  const errors = problems.filter(({ severity }) => severity === 'error');
  return errors.map(({ code, text }) => {
    const image = code === 'reference-invalid' ? readableImage(text) : undefined;
    return { repositories, image, inAnySubdirectory: true, selection: undefined };
  });
}

/**
 * The `<registry>/<repository>` of a reference whose tag or digest is wrong. A text of several words may hold
 * further images. Where the whole is right, as it may be even with `?`, `[` and `{`, the mistake is elsewhere.
 */
function readableImage(text: string): string | undefined {
  const [, image] = /^((?:[a-z]+:\/\/)?[^/\s]+\/[^:@\s]+)[:@][^/\s?[{]+$/i.exec(text) ?? [];
  if (image === undefined || nameOf(text) !== undefined) return undefined;
  return nameOf(image);
}

function nameOf(text: string): string | undefined {
  return orUndefined('reference-invalid', () => {
    const { registry, repository } = parseReference(text, { patterns: 'full' });
    return `${registry}/${repository}`;
  });
}

/** Returns those of `names`, public names in `repository`, that one of `uncertainties` may mean. */
export function protectedNames(
  names: Iterable<string>,
  uncertainties: readonly Uncertainty[],
  repository: string,
): Set<string> {
  const counting = uncertainties.filter(({ repositories }) => repositories?.includes(repository) !== false);
  if (counting.length === 0) return new Set();
  if (counting.some(({ image }) => image === undefined)) return new Set(names);
  const index = groupBy(counting, ({ image }) => image);
  const found = new Set<string>();
  for (const [image, versions] of versionsByImage(names)) {
    for (const { selection } of boundedUncertainties(uncertaintiesAbout(image, index), versions.length)) {
      const chosen = selection === undefined ? versions : selectVersions(selection, versions);
      for (const version of chosen) found.add(`${image}${version}`);
    }
  }
  return found;
}

/** Falls back to all versions where telling them apart would take too long. */
function boundedUncertainties(
  uncertainties: readonly Uncertainty[],
  versions: number,
): readonly Pick<Uncertainty, 'selection'>[] {
  if (uncertainties.some(({ selection }) => selection === undefined)) return EVERYTHING;
  let cost = 0;
  for (const { selection } of uncertainties) {
    cost += selection === undefined ? 0 : selectionCost(selection, versions);
    if (cost > SOURCE_LIMITS.comparisonsOfWish) return EVERYTHING;
  }
  return uncertainties;
}

const EVERYTHING: readonly Pick<Uncertainty, 'selection'>[] = [{ selection: undefined }];

/** Groups names by image: the rest of each, such as `:1` or `@sha256:…`. */
function versionsByImage(names: Iterable<string>): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  for (const name of names) {
    const end = name.slice(name.lastIndexOf('/')).search(/[:@]/) + name.lastIndexOf('/');
    const image = name.slice(0, end);
    const list = versions.get(image);
    if (list === undefined) versions.set(image, [name.slice(end)]);
    else list.push(name.slice(end));
  }
  return versions;
}

/** Uncertainties about the image, and about an image that it may be in a further subdirectory. */
function uncertaintiesAbout(
  image: string,
  index: ReadonlyMap<string | undefined, readonly Uncertainty[]>,
): Uncertainty[] {
  const parts = image.split('/');
  return parts.flatMap((_, start) => {
    const uncertainties = index.get(parts.slice(start).join('/')) ?? [];
    return start === 0 ? uncertainties : uncertainties.filter(({ inAnySubdirectory }) => inAnySubdirectory);
  });
}

function selectVersions(selection: TagSelection, versions: readonly string[]): string[] {
  const tags = versions.filter((version) => !version.includes('@')).map((version) => version.slice(1));
  return selectTags(selection, tags).map((tag) => `:${tag}`);
}
