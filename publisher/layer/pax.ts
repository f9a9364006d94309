import { Failure } from '../../core/failure.ts';

/** Records of an extended header, one character a byte, in the order written. */
export type PaxRecords = Map<string, string>;

/**
 * Decodes `LENGTH KEY=VALUE\n` records. The pairs of records of which a sparse file of the version 0.0 has one for each
 * part become the one record that version 0.1 has in their place.
 *
 * @see POSIX.1-2017, pax, "pax Extended Header"
 * @throws Failure `layer-corrupt` where a record's length does not lead to its end
 */
export function decodePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  const sparse: [key: string, value: string][] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(bytes.toString('latin1', at, space));
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space);
    const sound = Number.isSafeInteger(length) && end <= bytes.length && equals > space && equals < end;
    if (!sound || bytes[end - 1] !== 0x0a) {
      throw new Failure('layer-corrupt', 'a PAX header holds a record whose length is wrong');
    }
    const key = bytes.toString('latin1', space + 1, equals);
    const value = bytes.toString('latin1', equals + 1, end - 1);
    if (key === SPARSE_OFFSET || key === SPARSE_SIZE) sparse.push([key, value]);
    else records.set(key, value);
    at = end;
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', sparseMap(sparse));
  return records;
}

const SPARSE_OFFSET = 'GNU.sparse.offset';
const SPARSE_SIZE = 'GNU.sparse.numbytes';

function sparseMap(pairs: readonly (readonly [key: string, value: string])[]): string {
  const isOrdered = pairs.every(([key], index) => key === (index % 2 === 0 ? SPARSE_OFFSET : SPARSE_SIZE));
  if (!isOrdered) throw new Failure('layer-corrupt', 'offsets and sizes of a sparse file do not alternate');
  return pairs.map(([, value]) => value).join(',');
}

/** The text of a record; `undefined` where there is none, or an empty one, which takes back what was said before. */
export function paxText(records: PaxRecords, key: string): string | undefined {
  const value = records.get(key);
  return value === '' ? undefined : value;
}

/** As {@link paxNumber}, without a fraction. */
export function paxInteger(records: PaxRecords, key: string): number | undefined {
  const value = paxNumber(records, key);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new Failure('layer-corrupt', `the PAX record ${key} is not a valid whole number: ${value}`);
}

/** The number a record states, with a fraction where it has one; `undefined` where there is no such record. */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const value = paxText(records, key);
  if (value === undefined) return undefined;
  if (!/^-?\d+(\.\d*)?$/.test(value) || Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER) {
    throw new Failure(
      'layer-corrupt',
      `the PAX record ${key} is not a valid number: ${JSON.stringify(value.slice(0, 40))}`,
    );
  }
  return Number(value);
}

/** The name, then the value as it is: GNU tar, Go, libarchive. */
const PLAIN = 'SCHILY.xattr.';
/** The name percent-encoded, then the value in base 64: libarchive, beside the other. */
const ENCODED = 'LIBARCHIVE.xattr.';

function isXattrRecord(key: string): boolean {
  return key.startsWith(PLAIN) || key.startsWith(ENCODED);
}

/** More than the kernel takes for one value, or lists of one file (xattr(7)), and far more than files have. */
const MOST_XATTRS = 100;
const MOST_XATTR_BYTES = 65_536;

export const NO_XATTRS: ReadonlyMap<string, string> = new Map();

/**
 * The extended attributes among the records, names and values one character a byte. What both kinds of records state
 * is taken from the plain one.
 *
 * @throws Failure `layer-corrupt` for a value that is not base 64, `layer-refused` for a name that none can be, for more
 *   than {@link MOST_XATTRS} or more than {@link MOST_XATTR_BYTES} together
 */
function xattrsOf(records: PaxRecords): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of records)
    if (key.startsWith(PLAIN)) add(found, checked(key.slice(PLAIN.length)), value);
  for (const [key, value] of records) {
    if (!key.startsWith(ENCODED)) continue;
    const name = checked(percentDecoded(key.slice(ENCODED.length)));
    if (!found.has(name)) add(found, name, base64Decoded(name, value));
  }
  const bytes = xattrBytes(found);
  if (bytes > MOST_XATTR_BYTES) throw tooMany(`${bytes} bytes of extended attributes`, MOST_XATTR_BYTES);
  return found.size === 0 ? NO_XATTRS : found;
}

export function xattrBytes(xattrs: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [name, value] of xattrs) bytes += name.length + value.length;
  return bytes;
}

function add(found: Map<string, string>, name: string, value: string): void {
  found.set(name, value);
  if (found.size > MOST_XATTRS) throw tooMany('too many extended attributes', MOST_XATTRS);
}

function tooMany(what: string, most: number): Failure {
  return new Failure('layer-refused', `a member has ${what}, over the limit of ${most}`, {
    hint: 'no file system keeps so much of a file: rebuild the image without them',
  });
}

function percentDecoded(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function base64Decoded(name: string, text: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new Failure('layer-corrupt', `the extended attribute ${JSON.stringify(name)} is not valid base 64`);
  return Buffer.from(text, 'base64').toString('latin1');
}

/** Names end at a NUL for the operating system (xattr(7)). */
function checked(name: string): string {
  if (name !== '' && !name.includes('\0')) return name;
  throw new Failure(
    'layer-refused',
    `an extended attribute has the name ${JSON.stringify(name.slice(0, 40))}`,
    { hint: 'no file can have such an attribute: rebuild the image' },
  );
}

/** Records of a global header that apply to all members; none of them is sparse by such a record. */
const FIELDS: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'mtime']);

/** Records of an archive's global headers, for the members that follow: worked out once, not for each of them. */
export class GlobalRecords {
  readonly #fields: PaxRecords = new Map();
  readonly #attributes: PaxRecords = new Map();
  #bytes = 0;
  /** Of a member without local attributes: all of them share it. */
  #xattrs: ReadonlyMap<string, string> | undefined = NO_XATTRS;

  /** Bytes of all that holds. */
  get bytes(): number {
    return this.#bytes;
  }

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
