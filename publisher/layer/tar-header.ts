import { Failure } from '../../core/failure.ts';
import type { Attributes } from '../publication/entry.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { paxInteger, paxNumber, paxText, type PaxRecords } from './pax.ts';

export const BLOCK_BYTES = 512;

/**
 * The fields of one 512-byte header block, undecoded where names are concerned: one character a byte.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
export interface RawHeader {
  readonly name: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtime: number;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
  /** The 512 bytes, for what depends on the kind of header. */
  readonly block: Buffer;
}

/** @throws Failure `layer-corrupt` where the checksum or a number is wrong */
export function decodeHeader(block: Buffer): RawHeader {
  if (!hasValidChecksum(block)) {
    throw new Failure(
      'layer-corrupt',
      'it is not a tar archive, or a damaged one: the checksum of a header is wrong',
    );
  }
  const dialect = dialectOf(block);
  const prefix = prefixOf(block, dialect);
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: number(block, 100, 8, 'mode') & 0o7777,
    uid: number(block, 108, 8, 'owner'),
    gid: number(block, 116, 8, 'group'),
    sizeBytes: number(block, 124, 12, 'size'),
    mtime: number(block, 136, 12, 'mtime'),
    typeFlag: block.toString('latin1', 156, 157),
    linkName: text(block, 157, 100),
    major: dialect === 'v7' ? 0 : number(block, 329, 8, 'major'),
    minor: dialect === 'v7' ? 0 : number(block, 337, 8, 'minor'),
    block,
  };
}

/** Fields beside those of version 7. */
type Dialect = 'v7' | 'ustar' | 'star' | 'gnu';

/** Recognized as by Go's `archive/tar`, which makes and unpacks images: a magic that it does not know is v7. */
function dialectOf(block: Buffer): Dialect {
  const magic = block.toString('latin1', 257, 265);
  if (magic === 'ustar  \0') return 'gnu';
  if (!magic.startsWith('ustar\0')) return 'v7';
  return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
}

/** The prefix field, which goes before the name; star has times behind a shorter one. */
function prefixOf(block: Buffer, dialect: Dialect): string {
  switch (dialect) {
    case 'v7':
      return '';
    case 'ustar':
      return text(block, 345, 155);
    case 'star':
      return text(block, 345, 131);
    case 'gnu':
      return misplacedPrefix(block);
  }
}

/**
 * GNU has no prefix but times of access and change there. Go before 1.8, and with it Docker before 17.06, wrote one
 * all the same where a number needed base 256. What cannot be those times, and is ASCII, is taken for it, as Go does.
 *
 * @see https://go.dev/issue/12594, https://go.dev/issue/21005
 */
function misplacedPrefix(block: Buffer): string {
  if (mayBeTime(block.subarray(345, 357)) && mayBeTime(block.subarray(357, 369))) return '';
  const prefix = text(block, 345, 155);
  return /^[\0-\x7f]*$/.test(prefix) ? prefix : '';
}

function mayBeTime(field: Buffer): boolean {
  if (field[0] === 0) return true;
  const value = numeric(field);
  return value !== undefined && Math.abs(value) < 2 ** 63;
}

/** A part of a sparse file that is stored; between such parts there are holes, which read as zeros. */
export interface Extent {
  readonly offset: number;
  readonly sizeBytes: number;
}

interface SparseEntries {
  readonly entries: readonly Extent[];
  /** True where a block with more of them follows. */
  readonly isExtended: boolean;
}

/**
 * Reads the fields of a header of the type `S`: four stored parts, and its size with holes.
 *
 * @see GNU tar manual, "Basic Tar Format", `struct oldgnu_header`
 * @throws Failure `layer-corrupt` where a number is wrong
 */
export function decodeSparseHeader(block: Buffer): SparseEntries & { readonly sizeBytes: number } {
  return {
    entries: sparseEntries(block, 386, 4),
    isExtended: block[482] !== 0,
    sizeBytes: number(block, 483, 12, 'size of a sparse file'),
  };
}

/** A block after such a header (`struct sparse_header`). Throws as {@link decodeSparseHeader} does. */
export function decodeSparseEntries(block: Buffer): SparseEntries {
  return { entries: sparseEntries(block, 0, 21), isExtended: block[504] !== 0 };
}

/** They end early where one has no size. */
function sparseEntries(block: Buffer, start: number, count: number): Extent[] {
  const entries: Extent[] = [];
  for (let at = start; at < start + 24 * count && block[at + 12] !== 0; at += 24) {
    entries.push({
      offset: number(block, at, 12, 'sparse offset'),
      sizeBytes: number(block, at + 12, 12, 'sparse size'),
    });
  }
  return entries;
}

/** Bytes between the end of a content of `sizeBytes` and the next block. */
export function paddingAfter(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Some old writers summed signed bytes: both sums are valid. */
function hasValidChecksum(block: Buffer): boolean {
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    if (at >= 148 && at < 156) continue;
    const byte = block[at] ?? 0;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stated = octal(block.toString('latin1', 148, 156));
  return stated === unsigned || stated === signed;
}

function text(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end === -1 || end > start + length ? start + length : end);
}

function number(block: Buffer, start: number, length: number, field: string): number {
  const bytes = block.subarray(start, start + length);
  const value = numeric(bytes);
  if (value === undefined) {
    const written = JSON.stringify(bytes.toString('latin1'));
    throw new Failure('layer-corrupt', `a header's ${field} is not a valid octal number: ${written}`);
  }
  if (!Number.isSafeInteger(value)) {
    throw new Failure('layer-corrupt', `a header's ${field} is too large: ${value}`);
  }
  return value;
}

/** Octal digits, or base-256 in two's complement where the first bit is set (GNU). `undefined`: neither. */
function numeric(bytes: Buffer): number | undefined {
  return (bytes[0] ?? 0) & 0x80 ? base256(bytes) : octal(bytes.toString('latin1'));
}

/** Writers fill up with spaces and NULs, on either side; nothing at all is 0. */
function octal(field: string): number | undefined {
  const [digits = ''] = field.replace(/^[ \0]+/, '').split('\0');
  const trimmed = digits.trim();
  if (trimmed === '') return 0;
  return /^[0-7]+$/.test(trimmed) ? Number.parseInt(trimmed, 8) : undefined;
}

function base256(bytes: Buffer): number {
  const bits = BigInt(bytes.length * 8 - 1);
  const raw = BigInt(`0x${bytes.toString('hex')}`) & ((1n << bits) - 1n);
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0;
  return Number(negative ? raw - (1n << bits) : raw);
}

export const MEMBER_TYPES = [
  'file',
  'link',
  'symlink',
  'character-device',
  'block-device',
  'directory',
  'fifo',
] as const;

export type MemberType = (typeof MEMBER_TYPES)[number];

/** A member of an archive, its names as written there: one character a byte. */
export interface Member {
  readonly type: MemberType;
  readonly name: string;
  /** Target of a hard or symbolic link, otherwise empty. */
  readonly linkName: string;
  readonly attributes: Attributes;
  /** Content of a file, otherwise 0. */
  readonly sizeBytes: number;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes, names and values one character a byte. */
  readonly xattrs: ReadonlyMap<string, string>;
}

/** Extended headers that precede a header, and apply to it. */
export interface Stated {
  readonly records: PaxRecords;
  /** Names in headers of their own (GNU types `L` and `K`). */
  readonly longName: string | undefined;
  readonly longLink: string | undefined;
  readonly xattrs: ReadonlyMap<string, string>;
}

/**
 * Combines a header with the extended headers before it. The size is that of the stored content.
 *
 * @throws Failure `layer-corrupt` for a number that makes no sense, `layer-refused` for a type that we do not unpack
 */
export function toMember(header: RawHeader, { records, longName, longLink, xattrs }: Stated): Member {
  const name = paxText(records, 'GNU.sparse.name') ?? paxText(records, 'path') ?? longName ?? header.name;
  const statedBytes = paxInteger(records, 'size') ?? header.sizeBytes;
  const type = memberType(header.typeFlag, name, statedBytes);
  const isLink = type === 'link' || type === 'symlink';
  return {
    type,
    name,
    linkName: isLink ? (paxText(records, 'linkpath') ?? longLink ?? header.linkName) : '',
    attributes: attributesOf(header, records),
    sizeBytes: type === 'file' ? checkedSize(statedBytes, name) : 0,
    ...deviceOf(type, header),
    xattrs,
  };
}

function checkedSize(sizeBytes: number, name: string): number {
  if (sizeBytes >= 0) return sizeBytes;
  throw new Failure('layer-corrupt', `${shown(name)} has the size ${sizeBytes}`);
}

/** Other types have these fields too, with no meaning. */
function deviceOf(type: MemberType, { major, minor }: RawHeader): Pick<Member, 'major' | 'minor'> {
  const isDevice = type === 'character-device' || type === 'block-device';
  return isDevice ? { major, minor } : { major: 0, minor: 0 };
}

function attributesOf(header: RawHeader, records: PaxRecords): Attributes {
  return {
    mode: header.mode,
    uid: paxInteger(records, 'uid') ?? header.uid,
    gid: paxInteger(records, 'gid') ?? header.gid,
    mtime: paxNumber(records, 'mtime') ?? header.mtime,
  };
}

/** The name of a member, for messages. */
export function shown(name: string): string {
  return displayPath(name.slice(0, 200));
}

/** A name that ends in a slash is a directory's: v7 knows no other way to say so. */
function memberType(flag: string, name: string, sizeBytes: number): MemberType {
  const type = TYPES[flag];
  if (type === undefined) {
    throw new Failure('layer-refused', `${shown(name)} is of the unknown tar type ${JSON.stringify(flag)}`);
  }
  return type === 'file' && sizeBytes === 0 && name.endsWith('/') ? 'directory' : type;
}

const TYPES: Readonly<Record<string, MemberType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  // contiguous
  '7': 'file',
  // sparse (GNU)
  S: 'file',
};
