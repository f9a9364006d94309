import { Failure } from '../../wishlist/failure.ts';
import type { Attributes } from '../repository/entry.ts';
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
  /** Extended attributes (PAX records `SCHILY.xattr.…`), values one character a byte. */
  readonly xattrs: ReadonlyMap<string, string>;
}

const XATTR = 'SCHILY.xattr.';

/** What a header says together with the records and long names that stand before it. */
export function toMember(
  header: RawHeader,
  records: PaxRecords,
  long: { longName: string | undefined; longLink: string | undefined },
): Member {
  const name = paxText(records, 'path') ?? long.longName ?? header.name;
  refuseSparse(header, records, name);
  const type = memberType(header.typeFlag, name);
  const sizeBytes = type === 'file' ? (paxInteger(records, 'size') ?? header.sizeBytes) : 0;
  if (sizeBytes < 0) throw new Failure('layer-corrupt', `${JSON.stringify(name)} has the size ${sizeBytes}`);
  return {
    type,
    name,
    linkName:
      type === 'link' || type === 'symlink'
        ? (paxText(records, 'linkpath') ?? long.longLink ?? header.linkName)
        : '',
    attributes: attributesOf(header, records),
    sizeBytes,
    major: header.major,
    minor: header.minor,
    xattrs: xattrsOf(records),
  };
}

function attributesOf(header: RawHeader, records: PaxRecords): Attributes {
  return {
    mode: header.mode,
    uid: paxInteger(records, 'uid') ?? header.uid,
    gid: paxInteger(records, 'gid') ?? header.gid,
    mtime: paxNumber(records, 'mtime') ?? header.mtime,
  };
}

function memberType(flag: string, name: string): MemberType {
  switch (flag) {
    case '0':
    case '\0':
    case '7':
      return name.endsWith('/') ? 'directory' : 'file';
    case '1':
      return 'link';
    case '2':
      return 'symlink';
    case '3':
      return 'character-device';
    case '4':
      return 'block-device';
    case '5':
      return 'directory';
    case '6':
      return 'fifo';
    default:
      throw new Failure(
        'layer-refused',
        `${JSON.stringify(name)} is of the unknown tar type ${JSON.stringify(flag)}`,
      );
  }
}

/** Sparse members read as plain ones would be wrong files. */
function refuseSparse(header: RawHeader, records: PaxRecords, name: string): void {
  if (header.typeFlag !== 'S' && ![...records.keys()].some((key) => key.startsWith('GNU.sparse.'))) return;
  throw new Failure(
    'layer-refused',
    `${JSON.stringify(name)} is stored as a sparse file, which is not supported`,
    {
      hint: 'build the layer without sparse members (tar without --sparse)',
    },
  );
}

export const NO_XATTRS: ReadonlyMap<string, string> = new Map();

function xattrsOf(records: PaxRecords): ReadonlyMap<string, string> {
  const found = [...records].filter(([key]) => key.startsWith(XATTR));
  if (found.length === 0) return NO_XATTRS;
  return new Map(found.map(([key, value]) => [key.slice(XATTR.length), value]));
}
