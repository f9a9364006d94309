import { mapLimited } from './concurrency.ts';
import { isFailure, type Failure } from './failure.ts';
import { LINUX_AMD64, formatPlatform, usualPlatform, type Platform } from './platform.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { publicName, withTag, type ImageReference } from './reference.ts';
import { NO_SETTINGS, type WishSettings } from './settings.ts';
import { selectTags, type TagSelection } from './tag-selection.ts';
import type { Wish } from './wish.ts';

/** One image that is asked for. */
export interface WishedImage {
  /** Concrete: its tag is no pattern. */
  readonly reference: ImageReference;
  /** The first wish that asks for it. */
  readonly wish: Wish;
  /**
   * What all wishes for it ask for together, each platform once. `undefined` where nobody names one: then linux/amd64,
   * or whatever a manifest that stands in no index is for.
   */
  readonly platforms: readonly WantedPlatform[] | undefined;
  /** Where it is wanted, among the recipe's repositories; `undefined` for all of them. */
  readonly repositories: readonly string[] | undefined;
}

/** A platform that an image is to be published for. */
export interface WantedPlatform {
  readonly platform: Platform;
  /** Whether a wish names it, so that an image without it is an error; a platform by default may be missing. */
  readonly isRequired: boolean;
}

/** What wishes mean at the moment. */
export interface Expansion {
  /** In the order of the wishes and, for a pattern, of the registry's list; each public name once. */
  readonly images: readonly WishedImage[];
  /** Patterns whose tag list could not be had. */
  readonly failures: readonly { readonly wish: Wish; readonly failure: Failure }[];
  /** Warnings: `pattern-unmatched` and `tag-unusable`. */
  readonly problems: readonly Problem[];
}

/** All tags of the repository that `reference` names; its tag is a pattern and does not matter. */
export type ListTags = (reference: ImageReference) => Promise<readonly string[]>;

const LISTS_AT_A_TIME = 4;

/**
 * Finds out which images `wishes` mean. Each repository with patterns is listed once. Where `listTags` throws a
 * `Failure` only the wishes for that repository fail; any other error is thrown.
 *
 * What a wish does not say itself `defaults` say. A wish that names no platforms asks for theirs. Without those it asks for linux/amd64, which is written
 * out where another wish for the same image names platforms.
 */
export async function expandWishes(
  wishes: readonly Wish[],
  listTags: ListTags,
  defaults: WishSettings = NO_SETTINGS,
): Promise<Expansion> {
  const lists = await listRepositories(wishes, listTags);
  const images = new Map<string, WishedImage>();
  const failures: { wish: Wish; failure: Failure }[] = [];
  const problems: Problem[] = [];
  for (const wish of wishes) {
    const meaning = expandWish(wish, lists);
    if (isFailure(meaning)) {
      failures.push({ wish, failure: meaning });
      continue;
    }
    for (const problem of meaning.problems) problems.push(problem);
    const platforms = wantedPlatforms(wish, defaults.platforms);
    for (const reference of meaning.references) {
      const name = publicName(reference);
      const first = images.get(name) ?? { reference, wish, platforms, repositories: wish.repositories };
      images.set(name, { ...first, platforms: unite(first.platforms, platforms) });
    }
  }
  return { images: [...images.values()], failures, problems };
}

type WantedPlatforms = WishedImage['platforms'];

/** What a wish without platforms asks for, where no default says otherwise. */
const UNNAMED: readonly WantedPlatform[] = [{ platform: LINUX_AMD64, isRequired: true }];

function wantedPlatforms(
  { settings: { platforms } }: Wish,
  byDefault: readonly Platform[] | undefined,
): WantedPlatforms {
  const isRequired = platforms !== undefined;
  return (platforms ?? byDefault)?.map((platform) => ({ platform, isRequired }));
}

function unite(one: WantedPlatforms, other: WantedPlatforms): WantedPlatforms {
  if (one === undefined && other === undefined) return undefined;
  const united = new Map<string, WantedPlatform>();
  for (const { platform, isRequired } of [...(one ?? UNNAMED), ...(other ?? UNNAMED)]) {
    const name = formatPlatform(usualPlatform(platform));
    const isNamed = isRequired || united.get(name)?.isRequired === true;
    united.set(name, { platform, isRequired: isNamed });
  }
  return [...united.values()];
}

type TagLists = ReadonlyMap<string, readonly string[] | Failure>;

interface Meaning {
  readonly references: readonly ImageReference[];
  readonly problems: readonly Problem[];
}

async function listRepositories(wishes: readonly Wish[], listTags: ListTags): Promise<TagLists> {
  const repositories = new Map<string, ImageReference>();
  for (const { reference, selection } of wishes) {
    const key = repositoryKey(reference);
    if (selection !== undefined && !repositories.has(key)) repositories.set(key, reference);
  }
  const lists = await mapLimited(repositories, LISTS_AT_A_TIME, async ([key, reference]) => {
    const list = await tagsOrFailure(reference, listTags);
    return [key, list] as const;
  });
  return new Map(lists);
}

async function tagsOrFailure(
  reference: ImageReference,
  listTags: ListTags,
): Promise<readonly string[] | Failure> {
  try {
    return await listTags(reference);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
}

function expandWish(wish: Wish, lists: TagLists): Meaning | Failure {
  const { selection } = wish;
  if (selection === undefined) return { references: [wish.reference], problems: [] };
  const list = lists.get(repositoryKey(wish.reference));
  if (list === undefined) throw new Error(`no tag list for ${wish.text}`);
  if (isFailure(list)) return list;
  const tags = selectTags(selection, list);
  if (tags.length === 0) return { references: [], problems: [unmatched(wish, selection, list.length)] };
  const parsed = tags.map((tag) => parseTag(wish, tag));
  return {
    references: parsed.filter((result): result is ImageReference => !('severity' in result)),
    problems: parsed.filter((result): result is Problem => 'severity' in result),
  };
}

/** The list comes from outside: a name in it that is no tag must not become a path. */
function parseTag(wish: Wish, tag: string): ImageReference | Problem {
  try {
    return withTag(wish.reference, tag);
  } catch (error) {
    if (!isFailure(error, 'reference-invalid')) throw error;
    const message = `${quoted(wish.text)} matches a tag that cannot be published: ${error.message}`;
    return { ...warning(wish), code: 'tag-unusable', message, hint: error.hint };
  }
}

function unmatched(wish: Wish, { include }: TagSelection, tags: number): Problem {
  return {
    ...warning(wish),
    code: 'pattern-unmatched',
    message: `${quoted(wish.text)} matches nothing: none of the ${tags} tags of the repository is like ${include.map(quoted).join(' or ')}`,
    hint: 'correct the pattern or remove the line; * stands for any number of characters',
  };
}

function warning(wish: Wish): Pick<Problem, 'severity' | 'line' | 'column' | 'text'> {
  return { severity: 'warning', line: wish.line, column: undefined, text: wish.text };
}

function repositoryKey(reference: ImageReference): string {
  return `${reference.scheme}://${reference.registry}/${reference.repository}`;
}
