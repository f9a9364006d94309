import { Failure } from '../../wishlist/failure.ts';
import type { Attributes } from '../repository/entry.ts';
import { ByteReader } from './bytes.ts';
import { decodePax, paxInteger, paxNumber, paxText, type PaxRecords } from './pax.ts';
import { BLOCK_BYTES, decodeHeader, isZeroBlock, paddingAfter, type RawHeader } from './tar-header.ts';

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

/** Longest extended header or long name that is read: no path that a file system can hold comes near. */
const LONGEST_HEADER_BYTES = 1024 * 1024;
const XATTR = 'SCHILY.xattr.';

/**
 * Reads a tar archive member by member: v7, ustar, GNU (long names, base-256 numbers) and PAX.
 *
 * Written here because names must stay the bytes that they are, and because a layer is input from a stranger.
 */
export class TarReader {
  readonly #bytes: ByteReader;
  #global: PaxRecords = new Map();
  #unread = 0;
  #padding = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#bytes = new ByteReader(source);
  }

  /**
   * The next member, or `undefined` at the end; what was not read of the last one's content is passed over.
   *
   * @throws Failure `layer-corrupt` for a damaged archive, `layer-refused` for a member that we do not unpack
   */
  async next(): Promise<Member | undefined> {
    await this.#bytes.skip(this.#unread + this.#padding);
    this.#unread = 0;
    this.#padding = 0;
    let local: PaxRecords = new Map();
    let longName: string | undefined;
    let longLink: string | undefined;
    for (;;) {
      const header = await this.#header();
      if (header === undefined) return undefined;
      switch (header.typeFlag) {
        case 'x':
          local = decodePax(await this.#extension(header));
          break;
        case 'g':
          this.#global = new Map([...this.#global, ...decodePax(await this.#extension(header))]);
          break;
        case 'L':
          longName = untilNul(await this.#extension(header));
          break;
        case 'K':
          longLink = untilNul(await this.#extension(header));
          break;
        default: {
          const records = this.#global.size === 0 ? local : new Map([...this.#global, ...local]);
          const member = toMember(header, records, { longName, longLink });
          this.#unread = member.type === 'file' ? member.sizeBytes : 0;
          this.#padding = paddingAfter(this.#unread);
          return member;
        }
      }
    }
  }

  /** The content of the member that {@link next} gave last. To be read once, before the next call. */
  async *content(): AsyncGenerator<Buffer> {
    for await (const chunk of this.#bytes.stream(this.#unread)) {
      this.#unread -= chunk.length;
      yield chunk;
    }
  }

  async #header(): Promise<RawHeader | undefined> {
    const block = await this.#bytes.read(BLOCK_BYTES);
    if (block !== undefined && !isZeroBlock(block)) return decodeHeader(block);
    const next = await this.#bytes.read(BLOCK_BYTES);
    if (next !== undefined && !isZeroBlock(next)) {
      throw new Failure('layer-corrupt', 'a block of zeros stands in the middle of the archive');
    }
    await this.#bytes.drain();
    return undefined;
  }

  async #extension(header: RawHeader): Promise<Buffer> {
    if (header.sizeBytes > LONGEST_HEADER_BYTES || header.sizeBytes < 0) {
      throw new Failure(
        'layer-refused',
        `an extended header of ${header.sizeBytes} bytes: over the limit of 1 MiB`,
      );
    }
    const content = (await this.#bytes.read(header.sizeBytes)) ?? Buffer.alloc(0);
    if (content.length < header.sizeBytes)
      throw new Failure('layer-corrupt', 'the archive ends within a header');
    await this.#bytes.skip(paddingAfter(header.sizeBytes));
    return content;
  }
}

function toMember(
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

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}
