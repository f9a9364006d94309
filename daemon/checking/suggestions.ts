import { Failure, type FailureCode, isFailure } from '../../core/failure.ts';
import { type ImageReference, formatReference, type TagList } from '../../core/oci/reference.ts';
import { isRepositoryPath } from '../../core/oci/registry-host.ts';
import { likelyRepositories, nearestRegistry, nearestTag } from '../../wishlist/check/near-names.ts';
import { inVersionOrder } from '../../wishlist/tags/version.ts';
import { type ListTags, tagListKey } from '../../wishlist/meaning/tag-lists.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import { position } from '../../wishlist/recipe/problem.ts';

const TAGS_NAMED = 3;

/** Suggests the image meant by a wish whose image does not exist. */
export class Suggestions {
  readonly #lists: TagLists;
  readonly #others: readonly ImageReference[];

  /** @param others all wished images */
  constructor(lists: TagLists, others: readonly ImageReference[]) {
    this.#lists = lists;
    this.#others = others;
  }

  /** A hint that replaces that of `cause`; `undefined` if there is nothing to suggest. */
  async for(reference: ImageReference, cause: Failure): Promise<string | undefined> {
    switch (cause.code) {
      case 'tag-unknown':
        return await this.#otherTag(reference);
      case 'image-unknown':
      case 'unauthorized':
      case 'forbidden':
        return await this.#otherRepository(reference, cause);
      case 'dns-failed':
        return this.#otherRegistry(reference);
      default:
        return undefined;
    }
  }

  async #otherTag(reference: ImageReference): Promise<string | undefined> {
    const tags = await this.#tagsOf(reference);
    if (tags === undefined) return await this.#repositoryHint(reference);
    if (reference.tag === undefined) return undefined;
    const meant = nearestTag(reference.tag, tags);
    if (meant !== undefined) return didYouMean({ ...reference, tag: meant });
    if (tags.length === 0) return 'the repository has no tags at all: push the image, or correct the name';
    const named = inVersionOrder(tags).slice(-TAGS_NAMED).join(', ');
    return `name a tag that there is, such as ${named}; leaving out the tag means latest`;
  }

  async #otherRepository(reference: ImageReference, cause: Failure): Promise<string | undefined> {
    const meant = await this.#repositoryHint(reference);
    if (meant === undefined || cause.hint === undefined) return meant;
    return cause.code === 'image-unknown' ? meant : `${meant} Otherwise: ${cause.hint}`;
  }

  /** Suggests only repositories that exist. */
  async #repositoryHint(reference: ImageReference): Promise<string | undefined> {
    for (const repository of likelyRepositories(reference, this.#others)) {
      const other = { ...reference, repository };
      const tags = isRepositoryPath(repository) ? await this.#tagsOf(other) : undefined;
      if (tags === undefined) continue;
      const isThere = reference.tag === undefined || tags.includes(reference.tag);
      return didYouMean(isThere ? other : { ...other, tag: undefined, digest: undefined });
    }
    return undefined;
  }

  #otherRegistry(reference: ImageReference): string | undefined {
    const registry = nearestRegistry(reference.registry, this.#others);
    return registry === undefined ? undefined : didYouMean({ ...reference, registry });
  }

  async #tagsOf(reference: ImageReference): Promise<readonly string[] | undefined> {
    try {
      return (await this.#lists.of(reference)).tags;
    } catch (error) {
      if (isFailure(error) && !isFailure(error, 'interrupted')) return undefined;
      throw error;
    }
  }
}

function didYouMean(reference: ImageReference): string {
  return `did you mean ${reference.scheme === 'http' ? 'http://' : ''}${formatReference(reference)}?`;
}

/** Tag lists, each requested once, also if the request fails. */
export class TagLists {
  readonly #list: ListTags;
  readonly #lists = new Map<string, Promise<TagList>>();

  constructor(list: ListTags) {
    this.#list = list;
  }

  /** @throws Failure of the registry client */
  async of(reference: ImageReference): Promise<TagList> {
    const key = tagListKey(reference);
    const list = this.#lists.get(key) ?? this.#list(reference);
    this.#lists.set(key, list);
    return await list;
  }
}

/** Failures that the author of the line can fix. */
const OF_THE_LINE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'tag-unknown',
  'image-unknown',
  'unauthorized',
  'forbidden',
  'dns-failed',
  'address-refused',
  'platform-missing',
  'media-type-unsupported',
]);

/**
 * Adds to the failure of an image the line that asks for it and the image it may mean, as "wishlist check" does.
 * This requests tag lists, so it is for runs that somebody waits for.
 *
 * @param images all wished images, once known
 * @param hasLines whether they come from lines of recipes
 */
export function createExplain(
  listTags: ListTags,
  images: () => readonly WishedImage[],
  hasLines: boolean,
): (image: WishedImage, failure: Failure) => Promise<Failure> {
  let suggestions: Suggestions | undefined;
  return async ({ reference, wishes }, failure) => {
    if (!OF_THE_LINE.has(failure.code)) return failure;
    suggestions ??= new Suggestions(
      new TagLists(listTags),
      images().map((image) => image.reference),
    );
    const hint = (await suggestions.for(reference, failure)) ?? failure.hint;
    const [first] = wishes;
    const place =
      first === undefined || !hasLines
        ? ''
        : `${position(first.recipe.file, { line: first.wish.line, column: undefined })} `;
    const options = { cause: failure, hint };
    return new Failure(failure.code, `${place}${failure.message}`, options);
  };
}
