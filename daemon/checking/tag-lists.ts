import { tagListKey, type ListTags, type TagList } from '../../wishlist/meaning/tag-lists.ts';
import type { ImageReference } from '../../core/oci/reference.ts';

/** The tag lists of repositories, each asked for once, also where there is none. */
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
