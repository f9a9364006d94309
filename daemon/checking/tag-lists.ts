import type { ImageReference } from '../../wishlist/reference/reference.ts';

type ListTags = (reference: ImageReference) => Promise<readonly string[]>;

/** The tag lists of repositories, each asked for once, also where there is none. */
export class TagLists {
  readonly #list: ListTags;
  readonly #lists = new Map<string, Promise<readonly string[]>>();

  constructor(list: ListTags) {
    this.#list = list;
  }

  /** @throws Failure of the registry client */
  async of(reference: ImageReference): Promise<readonly string[]> {
    const { scheme, registry, repository } = reference;
    const key = `${scheme}://${registry}/${repository}`;
    const list = this.#lists.get(key) ?? this.#list(reference);
    this.#lists.set(key, list);
    return await list;
  }
}
