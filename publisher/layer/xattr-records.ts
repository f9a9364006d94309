import { Failure } from '../../wishlist/failure.ts';
import type { PaxRecords } from './pax.ts';

/** The name, then the value as it is: GNU tar, Go, libarchive. */
const PLAIN = 'SCHILY.xattr.';
/** The name percent-encoded, then the value in base 64: libarchive, beside the other. */
const ENCODED = 'LIBARCHIVE.xattr.';

export function isXattrRecord(key: string): boolean {
  return key.startsWith(PLAIN) || key.startsWith(ENCODED);
}

export const NO_XATTRS: ReadonlyMap<string, string> = new Map();

/**
 * The extended attributes among the records, names and values one character a byte. What both kinds of records state
 * is taken from the plain one.
 *
 * @throws Failure `layer-corrupt` for a value that is no base 64, `layer-refused` for a name that none can be
 */
export function xattrsOf(records: PaxRecords): ReadonlyMap<string, string> {
  let found: Map<string, string> | undefined;
  for (const [key, value] of records) {
    if (key.startsWith(PLAIN))
      found = (found ?? new Map<string, string>()).set(checked(key.slice(PLAIN.length)), value);
  }
  for (const [key, value] of records) {
    if (!key.startsWith(ENCODED)) continue;
    const name = checked(percentDecoded(key.slice(ENCODED.length)));
    if (found?.has(name) === true) continue;
    found = (found ?? new Map<string, string>()).set(name, base64Decoded(name, value));
  }
  return found ?? NO_XATTRS;
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
