import { Failure } from '../../wishlist/failure.ts';
import { ByteReader } from './bytes.ts';
import { toMember, type Member } from './member.ts';
import { decodePax, type PaxRecords } from './pax.ts';
import { BLOCK_BYTES, decodeHeader, isZeroBlock, paddingAfter, type RawHeader } from './tar-header.ts';

/** Longest extended header or long name that is read: no path that a file system can hold comes near. */
const LONGEST_HEADER_BYTES = 1024 * 1024;

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

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}
