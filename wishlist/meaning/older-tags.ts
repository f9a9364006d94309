import type { TagList } from '../../core/oci/reference.ts';
import { selectTags, type TagSelection } from '../tags/tag-selection.ts';

/** Of all patterns together: some 20 MB. */
const MOST_OLDER_TAGS = 250_000;

/** Tags that patterns match beside the newest, which were the newest once and may be published. */
export class OlderTags {
  #left = MOST_OLDER_TAGS;

  /** All that `selection` matches of `list`; `undefined` where it means all of that, and where there is no more room. */
  of(selection: TagSelection, { tags }: TagList): ReadonlySet<string> | undefined {
    if (selection.newest === undefined) return undefined;
    const matching = selectTags({ ...selection, newest: undefined }, tags);
    if (matching.length > this.#left) return undefined;
    this.#left -= matching.length;
    return new Set(matching);
  }
}
