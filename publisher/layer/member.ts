import { Failure } from '../../core/failure.ts';
import { type Attributes } from '../publication/entry.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { paxInteger, paxNumber, paxText, type PaxRecords } from './pax.ts';
import type { RawHeader } from './tar-header.ts';

export type MemberType =
  'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo';

/** One member of an archive, its names as written there: one character a byte. */
export interface Member {
  readonly type: MemberType;
  readonly name: string;
  /** Target of a hard or symbolic link, otherwise empty. */
  readonly linkName: string;
  readonly attributes: Attributes;
  readonly sizeBytes: number;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes, names and values one character a byte. */
  readonly xattrs: ReadonlyMap<string, string>;
}

/** Names that headers of their own have stated before the one of the member (GNU types `L` and `K`). */
export interface LongNames {
  readonly name: string | undefined;
  readonly linkName: string | undefined;
}

/** What stands before a header, and holds for it. */
export interface Stated {
  readonly records: PaxRecords;
  readonly long: LongNames;
  readonly xattrs: ReadonlyMap<string, string>;
}

/**
 * What a header says together with what stands before it. The size is that of what the archive stores.
 *
 * @throws Failure `layer-corrupt` for a number that makes no sense, `layer-refused` for a type that we do not unpack
 */
export function toMember(header: RawHeader, { records, long, xattrs }: Stated): Member {
  const name = paxText(records, 'GNU.sparse.name') ?? paxText(records, 'path') ?? long.name ?? header.name;
  const statedBytes = paxInteger(records, 'size') ?? header.sizeBytes;
  const type = memberType(header.typeFlag, name, statedBytes);
  const isLink = type === 'link' || type === 'symlink';
  return {
    type,
    name,
    linkName: isLink ? (paxText(records, 'linkpath') ?? long.linkName ?? header.linkName) : '',
    attributes: attributesOf(header, records),
    sizeBytes: type === 'file' ? checkedSize(statedBytes, name) : 0,
    ...deviceOf(type, header),
    xattrs,
  };
}

function checkedSize(sizeBytes: number, name: string): number {
  if (sizeBytes >= 0) return sizeBytes;
  throw new Failure('layer-corrupt', `${displayPath(name.slice(0, 200))} has the size ${sizeBytes}`);
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

/** A name that ends in a slash is a directory's: v7 knows no other way to say so. */
function memberType(flag: string, name: string, sizeBytes: number): MemberType {
  const type = TYPES[flag];
  if (type === undefined) {
    const shown = displayPath(name.slice(0, 200));
    throw new Failure('layer-refused', `${shown} is of the unknown tar type ${JSON.stringify(flag)}`);
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
