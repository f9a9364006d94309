import { Failure } from '../../core/failure.ts';
import type { PaxRecords } from './pax.ts';

/** The name, then the value as it is: GNU tar, Go, libarchive. */
const PLAIN = 'SCHILY.xattr.';
/** The name percent-encoded, then the value in base 64: libarchive, beside the other. */
const ENCODED = 'LIBARCHIVE.xattr.';

export function isXattrRecord(key: string): boolean {
  return key.startsWith(PLAIN) || key.startsWith(ENCODED);
}

/** More than the kernel takes for one value, or lists of one file (xattr(7)), and far more than files have. */
export const MOST_XATTRS = 100;
export const MOST_XATTR_BYTES = 65_536;

export const NO_XATTRS: ReadonlyMap<string, string> = new Map();

/**
 * The extended attributes among the records, names and values one character a byte. What both kinds of records state
 * is taken from the plain one.
 *
 * @throws Failure `layer-corrupt` for a value that is no base 64, `layer-refused` for a name that none can be, for more
 *   than {@link MOST_XATTRS} or more than {@link MOST_XATTR_BYTES} together
 */
export function xattrsOf(records: PaxRecords): ReadonlyMap<string, string> {
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

/** Bytes of names and values. */
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
    throw new Failure('layer-corrupt', `the extended attribute ${JSON.stringify(name)} is no base 64`);
  return Buffer.from(text, 'base64').toString('latin1');
}

/** Names end at a NUL for the operating system (xattr(7)). */
function checked(name: string): string {
  if (name !== '' && !name.includes('\0')) return name;
  throw new Failure(
    'layer-refused',
    `an extended attribute has the name ${JSON.stringify(name.slice(0, 40))}`,
    {
      hint: 'no file can have such an attribute: rebuild the image',
    },
  );
}
