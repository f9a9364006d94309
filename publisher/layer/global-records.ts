import type { PaxRecords } from './pax.ts';
import { NO_XATTRS, isXattrRecord, xattrsOf } from './xattr-records.ts';

/** What a record of a global header says of all members; none of them is sparse by such a record. */
const FIELDS: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'mtime']);

/** What the global headers of an archive say of the members that follow: worked out once, not for each of them. */
export class GlobalRecords {
  readonly #fields: PaxRecords = new Map();
  readonly #attributes: PaxRecords = new Map();
  #bytes = 0;
  /** Of a member that has none of its own: all of them share it. */
  #xattrs: ReadonlyMap<string, string> | undefined = NO_XATTRS;

  /** Bytes of all that holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds those of one header. */
  add(records: PaxRecords): void {
    for (const [key, value] of records) {
      const isAttribute = isXattrRecord(key);
      if (!isAttribute && !FIELDS.has(key)) continue;
      const kept = isAttribute ? this.#attributes : this.#fields;
      this.#bytes += value.length - (kept.get(key)?.length ?? -key.length);
      kept.set(key, value);
      if (isAttribute) this.#xattrs = undefined;
    }
  }

  /** The records that hold for a member which has `local` ones. */
  for(local: PaxRecords): PaxRecords {
    return this.#fields.size === 0 ? local : new Map([...this.#fields, ...local]);
  }

  /** The extended attributes of such a member. Throws as {@link xattrsOf} does. */
  xattrsFor(local: PaxRecords): ReadonlyMap<string, string> {
    this.#xattrs ??= xattrsOf(this.#attributes);
    for (const key of local.keys())
      if (isXattrRecord(key)) return xattrsOf(new Map([...this.#attributes, ...local]));
    return this.#xattrs;
  }
}
