import { Breath } from '../../core/turns.ts';
import { mapLimited } from '../../core/concurrency.ts';
import { asFailure, isFailure, type Failure } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import type { ImageReference, TagList } from '../../core/oci/reference.ts';

/** The tags of the repository that `reference` names; its tag is a pattern and does not matter. */
export type ListTags = (reference: ImageReference) => Promise<TagList>;

/** Of one registry: another one's are read at the same time. */
const LISTS_AT_A_TIME = 4;

/** Somebody who asks what a list means for him. */
export interface Asking<Meaning> {
  readonly reference: ImageReference;
  /** Of the list nothing else is kept: there may be many, and each may be long. */
  readonly choose: (list: TagList) => Meaning;
}

/**
 * What the lists of repositories mean to all who ask, in their order. Each is read once; what goes wrong with one, whatever
 * that is, is a failure of those who ask for it.
 */
export async function readTagLists<Meaning>(
  asking: readonly Asking<Meaning>[],
  listTags: ListTags,
): Promise<(Meaning | Failure)[]> {
  const meanings = new Map<Asking<Meaning>, Meaning | Failure>();
  const breath = new Breath();
  const byRegistry = groupBy(asking, ({ reference }) => reference.registry);
  const reading = Array.from(byRegistry.values(), async (ofOne) => {
    const lists = groupBy(ofOne, ({ reference }) => tagListKey(reference));
    await mapLimited(lists.values(), LISTS_AT_A_TIME, async (askers) => {
      const [first] = askers;
      if (first === undefined) return;
      const list = await tagsOrFailure(first.reference, listTags);
      for (const one of askers) {
        meanings.set(one, isFailure(list) ? list : chosenOrFailure(one, list));
        if (breath.isDue) await breath.take();
      }
    });
  });
  const failed = (await Promise.allSettled(reading)).find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return asking.map((one) => {
    const meaning = meanings.get(one);
    if (meaning === undefined) throw new Error(`no tag list for ${tagListKey(one.reference)}`);
    return meaning;
  });
}

async function tagsOrFailure(reference: ImageReference, listTags: ListTags): Promise<TagList | Failure> {
  try {
    const { tags, isWhole } = await listTags(reference);
    return { tags: [...new Set(tags)], isWhole };
  } catch (error) {
    return asFailure(error);
  }
}

function chosenOrFailure<Meaning>({ choose }: Asking<Meaning>, list: TagList): Meaning | Failure {
  try {
    return choose(list);
  } catch (error) {
    return asFailure(error);
  }
}

/** The same for all references to one list of tags. */
export function tagListKey({ scheme, registry, repository }: ImageReference): string {
  return `${scheme}://${registry}/${repository}`;
}
