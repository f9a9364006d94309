import { mapLimited } from '../concurrency.ts';
import { isFailure, type Failure } from '../failure.ts';
import type { ImageReference } from '../reference/reference.ts';
import type { Wish } from '../recipe/wish.ts';

/** The tags of a repository, as its registry tells them. */
export interface TagList {
  /** Each once, in the registry's order. */
  readonly tags: readonly string[];
  /** Whether there are surely no others. */
  readonly isWhole: boolean;
}

/** The tags of the repository that `reference` names; its tag is a pattern and does not matter. */
export type ListTags = (reference: ImageReference) => Promise<TagList>;

const LISTS_AT_A_TIME = 4;

/** The tags of repositories, each of which was listed once. */
export class TagLists {
  readonly #lists: ReadonlyMap<string, TagList | Failure>;

  private constructor(lists: ReadonlyMap<string, TagList | Failure>) {
    this.#lists = lists;
  }

  /** Lists what the patterns among `wishes` need. Errors of `listTags` that are no `Failure` are thrown. */
  static async read(wishes: Iterable<Wish>, listTags: ListTags): Promise<TagLists> {
    const repositories = new Map<string, ImageReference>();
    for (const { reference, selection } of wishes) {
      const key = tagListKey(reference);
      if (selection !== undefined && !repositories.has(key)) repositories.set(key, reference);
    }
    const lists = await mapLimited(repositories, LISTS_AT_A_TIME, async ([key, reference]) => {
      const list = await tagsOrFailure(reference, listTags);
      return [key, list] as const;
    });
    return new TagLists(new Map(lists));
  }

  of(reference: ImageReference): TagList | Failure {
    const list = this.#lists.get(tagListKey(reference));
    if (list === undefined) throw new Error(`no tag list for ${tagListKey(reference)}`);
    return list;
  }
}

async function tagsOrFailure(reference: ImageReference, listTags: ListTags): Promise<TagList | Failure> {
  try {
    const { tags, isWhole } = await listTags(reference);
    return { tags: [...new Set(tags)], isWhole };
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
}

/** The same for all references to one list of tags. */
export function tagListKey({ scheme, registry, repository }: ImageReference): string {
  return `${scheme}://${registry}/${repository}`;
}
