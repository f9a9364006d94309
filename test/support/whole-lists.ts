import type { ListTags } from '../../wishlist/meaning/tag-lists.ts';
import type { ImageReference } from '../../core/oci/reference.ts';

/** The tags of a repository. */
export type TagsOf = (reference: ImageReference) => Promise<readonly string[]>;

/** Lists of which nothing is missing. */
export function wholeLists(tagsOf: TagsOf): ListTags {
  return async (reference) => ({ tags: await tagsOf(reference), isWhole: true });
}

/** Repositories without tags. */
export const EMPTY_LISTS = wholeLists(async () => await Promise.resolve([]));
