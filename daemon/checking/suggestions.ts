import { likelyRepositories, nearestRegistry, nearestTag } from '../../wishlist/check/near-names.ts';
import { inVersionOrder } from '../../wishlist/check/tag-order.ts';
import { isFailure, type Failure } from '../../core/failure.ts';
import { formatReference, type ImageReference } from '../../core/oci/reference.ts';
import { isRepositoryPath } from '../../core/oci/registry-host.ts';
import type { TagLists } from './tag-lists.ts';

const TAGS_NAMED = 3;

/** What somebody may have meant whose image is not there. */
export class Suggestions {
  readonly #lists: TagLists;
  readonly #others: readonly ImageReference[];

  /** @param others all that is asked for */
  constructor(lists: TagLists, others: readonly ImageReference[]) {
    this.#lists = lists;
    this.#others = others;
  }

  /** A hint in place of that of `cause`; `undefined` where there is nothing to suggest. */
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
    if (tags === undefined || reference.tag === undefined) {
      return tags === undefined ? await this.#repositoryHint(reference) : undefined;
    }
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

  /** Only what is really there is suggested. */
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
