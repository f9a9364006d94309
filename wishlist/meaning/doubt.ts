import { isFailure } from '../../core/failure.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { SOURCE_LIMITS } from './confine.ts';
import { selectionCost, selectTags, type TagSelection } from '../tags/tag-selection.ts';
import { namesOf, type RecipeWish, type Wishlist } from './wished-image.ts';

/** What somebody may ask for beside all that is known: nothing of it must be removed. */
export interface Doubt {
  /** Where; `undefined` for all repositories. */
  readonly repositories: readonly string[] | undefined;
  /** Of which image, `[<subdirectory>/]<registry>/<repository>`; `undefined` for all. */
  readonly image: string | undefined;
  /** Whether the image may be in any further subdirectory. */
  readonly isAnywhere: boolean;
  /** Which of its tags; `undefined` for all, and for what is named by digest. */
  readonly selection: TagSelection | undefined;
}

/** What a source may ask for that cannot be read, and of which nothing is known from before. */
export const ANYTHING: Doubt = {
  repositories: undefined,
  image: undefined,
  isAnywhere: true,
  selection: undefined,
};

/**
 * What a wish may ask for whose images are not known, or not all of them: everything that its pattern matches, though
 * only the newest of it may be wanted.
 */
export function doubtOfWish(
  { recipe, wish }: RecipeWish,
  { selection, subdirectory }: { selection: TagSelection | undefined; subdirectory: string | undefined },
): Doubt {
  return {
    repositories: wish.repositories ?? recipe.repositories,
    image: namesOf(wish.reference, subdirectory),
    isAnywhere: false,
    selection: selection === undefined ? undefined : { ...selection, newest: undefined },
  };
}

/**
 * What the wrong lines of a recipe may ask for. Where nothing but the tag or digest is wrong that is any tag of the
 * image, in any subdirectory; else anything in the recipe's repositories, which are right: without them it would be no
 * recipe.
 */
export function doubtsOfLines({ problems, repositories }: Wishlist): Doubt[] {
  const errors = problems.filter(({ severity }) => severity === 'error');
  return errors.map(({ code, text }) => {
    const image = code === 'reference-invalid' ? readableImage(text) : undefined;
    return { repositories, image, isAnywhere: true, selection: undefined };
  });
}

/**
 * The `<registry>/<repository>` of a reference whose tag or digest is wrong. A text that is no single word may hold
 * further images. Where the whole is right, as it may also be with `?`, `[` and `{`, the mistake is elsewhere.
 */
function readableImage(text: string): string | undefined {
  const [, image] = /^((?:[a-z]+:\/\/)?[^/\s]+\/[^:@\s]+)[:@][^/\s?[{]+$/i.exec(text) ?? [];
  if (image === undefined || nameOf(text) !== undefined) return undefined;
  return nameOf(image);
}

function nameOf(text: string): string | undefined {
  try {
    const { registry, repository } = parseReference(text, { patterns: 'full' });
    return `${registry}/${repository}`;
  } catch (error) {
    if (isFailure(error, 'reference-invalid')) return undefined;
    throw error;
  }
}

/** Those of `names`, public names in `repository`, that one of `doubts` may ask for. */
export function doubtfulNames(
  names: Iterable<string>,
  doubts: readonly Doubt[],
  repository: string,
): Set<string> {
  const counting = doubts.filter(({ repositories }) => repositories?.includes(repository) !== false);
  if (counting.length === 0) return new Set();
  if (counting.some(({ image }) => image === undefined)) return new Set(names);
  const index = byImage(counting);
  const doubtful = new Set<string>();
  for (const [image, versions] of versionsByImage(names)) {
    for (const { selection } of boundedDoubts(doubtsAbout(image, index), versions.length)) {
      const chosen = selection === undefined ? versions : selectVersions(selection, versions);
      for (const version of chosen) doubtful.add(`${image}${version}`);
    }
  }
  return doubtful;
}

/** What would take too long to tell apart means all versions: nothing of it is removed then. */
function boundedDoubts(doubts: readonly Doubt[], versions: number): readonly Pick<Doubt, 'selection'>[] {
  if (doubts.some(({ selection }) => selection === undefined)) return EVERYTHING;
  let cost = 0;
  for (const { selection } of doubts) {
    cost += costOf(selection, versions);
    if (cost > SOURCE_LIMITS.comparisonsOfWish) return EVERYTHING;
  }
  return doubts;
}

const EVERYTHING: readonly Pick<Doubt, 'selection'>[] = [{ selection: undefined }];

function costOf(selection: TagSelection | undefined, versions: number): number {
  return selection === undefined ? 0 : selectionCost(selection, versions);
}

function byImage(doubts: readonly Doubt[]): Map<string, Doubt[]> {
  const index = new Map<string, Doubt[]>();
  for (const doubt of doubts) if (doubt.image !== undefined) addTo(index, doubt.image, doubt);
  return index;
}

/** What follows the image in names, such as `:1` or `@sha256:…`, by image. */
function versionsByImage(names: Iterable<string>): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  for (const name of names) {
    const end = name.slice(name.lastIndexOf('/')).search(/[:@]/) + name.lastIndexOf('/');
    addTo(versions, name.slice(0, end), name.slice(end));
  }
  return versions;
}

function addTo<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** Doubts about the image, and those about an image that it may be in a subdirectory. */
function doubtsAbout(image: string, index: ReadonlyMap<string, readonly Doubt[]>): Doubt[] {
  const parts = image.split('/');
  return parts.flatMap((_, start) => {
    const doubts = index.get(parts.slice(start).join('/')) ?? [];
    return start === 0 ? doubts : doubts.filter(({ isAnywhere }) => isAnywhere);
  });
}

function selectVersions(selection: TagSelection, versions: readonly string[]): string[] {
  const tags = versions.filter((version) => !version.includes('@')).map((version) => version.slice(1));
  return selectTags(selection, tags).map((tag) => `:${tag}`);
}
