import { Failure } from '../../core/failure.ts';
import { ByteReader, isZero } from './bytes.ts';
import { UNLIMITED, overLimit, type LayerLimits } from './limits.ts';
import { GlobalRecords, decodePax, type PaxRecords } from './pax.ts';
import {
  toMember,
  type Member,
  BLOCK_BYTES,
  decodeHeader,
  paddingAfter,
  type RawHeader,
  type Stated,
} from './tar-header.ts';
import { expandSparse, readSparseMap, type SparseMap } from './sparse.ts';

/**
 * Reads a tar archive member by member: v7, ustar, GNU (long names, base-256 numbers, sparse files) and PAX. Sparse
 * files are files like others: their size counts the holes, and their content has them as zeros.
 *
 * Written here because names must stay the bytes that they are, and because a layer is input from a stranger.
 */
export class TarReader {
  readonly #bytes: ByteReader;
  readonly #limits: LayerLimits;
  readonly #global = new GlobalRecords();
  #sparse: SparseMap | undefined;
  /** Stored content of the last member that nobody has read. */
  #unread = 0;
  #padding = 0;

  constructor(source: AsyncIterable<Uint8Array>, limits = UNLIMITED) {
    this.#bytes = new ByteReader(source);
    this.#limits = limits;
  }

  /**
   * The next member, or `undefined` at the end; what was not read of the last one's content is passed over.
   *
   * @throws Failure `layer-corrupt` for a damaged archive, `layer-refused` for a member that we do not unpack, or a
   *   header over the limit
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
          this.#global.add(decodePax(await this.#extension(header)));
          this.#checkHeaderBytes('its global headers have', this.#global.bytes);
          break;
        case 'L':
          longName = longText(await this.#extension(header));
          break;
        case 'K':
          longLink = longText(await this.#extension(header));
          break;
        default:
          return await this.#member(header, local, { longName, longLink });
      }
    }
  }

  /** Returns true where the archive stores the last member's content without its holes: zeros that cost nothing to send. */
  get isSparse(): boolean {
    return this.#sparse !== undefined;
  }

  /** The content of the member that {@link next} gave last. To be read once, before the next call. */
  async *content(): AsyncGenerator<Buffer> {
    if (this.#sparse === undefined) yield* this.#stored(this.#unread);
    else yield* expandSparse(this.#sparse, (sizeBytes) => this.#stored(sizeBytes));
  }

  async *#stored(sizeBytes: number): AsyncGenerator<Buffer> {
    for await (const chunk of this.#bytes.stream(sizeBytes)) {
      this.#unread -= chunk.length;
      yield chunk;
    }
  }

  async #member(
    header: RawHeader,
    local: PaxRecords,
    long: Pick<Stated, 'longName' | 'longLink'>,
  ): Promise<Member> {
    const records = this.#global.for(local);
    const member = toMember(header, { ...long, records, xattrs: this.#global.xattrsFor(local) });
    this.#sparse = undefined;
    this.#unread = member.sizeBytes;
    this.#padding = paddingAfter(member.sizeBytes);
    if (member.type !== 'file') return member;
    this.#sparse = await readSparseMap({
      name: member.name,
      header,
      records: local,
      storedBytes: member.sizeBytes,
      bytes: this.#bytes,
      limits: this.#limits,
    });
    if (this.#sparse === undefined) return member;
    this.#unread = this.#sparse.storedBytes;
    return { ...member, sizeBytes: this.#sparse.sizeBytes };
  }

  async #header(): Promise<RawHeader | undefined> {
    const block = await this.#bytes.read(BLOCK_BYTES);
    if (block !== undefined && !isZero(block)) return decodeHeader(block);
    const next = await this.#bytes.read(BLOCK_BYTES);
    if (next !== undefined && !isZero(next)) {
      throw new Failure('layer-corrupt', 'a block of zeros stands in the middle of the archive');
    }
    await this.#bytes.drain();
    return undefined;
  }

  async #extension(header: RawHeader): Promise<Buffer> {
    if (header.sizeBytes < 0) throw new Failure('layer-corrupt', `a header has the size ${header.sizeBytes}`);
    this.#checkHeaderBytes('it has an extended header of', header.sizeBytes);
    const content = (await this.#bytes.read(header.sizeBytes)) ?? Buffer.alloc(0);
    if (content.length < header.sizeBytes)
      throw new Failure('layer-corrupt', 'the archive ends within a header');
    await this.#bytes.skip(paddingAfter(header.sizeBytes));
    return content;
  }

  #checkHeaderBytes(what: string, bytes: number): void {
    if (bytes > this.#limits.headerBytes)
      throw overLimit(`${what} ${bytes} bytes`, this.#limits, 'headerBytes');
  }
}

/** The text of a long-name header for the next one; an empty one says nothing. */
function longText(bytes: Buffer): string | undefined {
  const end = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
  return text === '' ? undefined : text;
}
