import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, read, rmSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { Failure } from '../../core/failure.ts';
import { isSystemError } from '../../core/system-error.ts';
import type { Attributes, FileEntry } from '../publication/entry.ts';
import { AttributesColumn, Column, DOUBLES, WORDS_32 } from '../packed/column.ts';
import type { Wanted } from './content.ts';
import { ContentDigests, digestOfContent } from './content-digests.ts';
import type { ListingItem } from './listing-items.ts';

const readAt = promisify(read);

const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Read at once; contents are yielded in pieces of at most this size. */
const BLOCK_BYTES = 256 * 1024;
/** Each takes 80 bytes of memory, as long as the image waits. */
const MOST_FILES = 50_000;

/**
 * Which files of a layer are kept in a pack. Forgotten when the layer is listed: it may know much.
 *
 * @param content the SHA-256 of the file
 */
export type PackRule = (item: ListingItem, content: Buffer) => boolean;

/**
 * Contents of some files of one layer, written aside while it is listed: where they are all that is wanted of it, it need not be
 * decompressed a second time. They are in a file without a name, which nobody else can open, and which is gone with the process.
 */
export class FilePack {
  readonly #mostBytes: number;
  /** `undefined` once it is closed, or could not be written. */
  #fd: number | undefined;
  #bytes = 0;
  #rows = 0;
  readonly #ordinals = new Column(WORDS_32);
  readonly #starts = new Column(DOUBLES);
  readonly #sizes = new Column(DOUBLES);
  readonly #attributes = new AttributesColumn();
  readonly #digests = new ContentDigests();
  /** The part of it that was read last. */
  #block: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: NOTHING };

  /** @param path of the file, where there is none: it has the name for a moment */
  constructor(path: string, mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#orClose(() => {
      this.#fd = openSync(path, NEW_FILE, 0o600);
      rmSync(path);
    });
  }

  /** False where nothing can be read from it. */
  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /** Bytes that it takes on the disk. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  get files(): number {
    return this.#rows;
  }

  /** Takes note of a file without content. */
  addEmpty(ordinal: number, { attributes }: ListingItem): void {
    this.#addRow(ordinal, attributes, 0);
  }

  /**
   * Reads a file, and keeps it if `isKept` says so. What cannot be written is no error: the pack is closed then.
   *
   * @returns the SHA-256 of the content
   */
  async add(
    ordinal: number,
    item: ListingItem,
    content: AsyncIterable<Uint8Array>,
    isKept: PackRule,
  ): Promise<Buffer> {
    let written = 0;
    let fits = true;
    const digest = await digestOfContent(content, (chunk) => {
      fits &&= this.#bytes + written + chunk.length <= this.#mostBytes;
      if (fits) written += this.#write(chunk, this.#bytes + written);
    });
    if (!isKept(item, digest)) return digest;
    this.#digests.set(this.#rows, digest);
    if (fits) this.#addRow(ordinal, item.attributes, written);
    else this.close();
    return digest;
  }

  /** True where it has all files that are `wanted` of the layer. */
  hasAll(wanted: Wanted): boolean {
    if (this.#fd === undefined) return false;
    let found = 0;
    for (let row = 0; row < this.#rows; row++) if (wanted.get(this.#ordinals.at(row)) !== undefined) found++;
    return found === wanted.size;
  }

  /**
   * The files that are `wanted`, with their contents, in the order of the archive.
   *
   * @throws Failure `digest-mismatch` for a content that is not what was written; there is no pack then any more
   */
  async *entries(wanted: Wanted): AsyncGenerator<FileEntry> {
    for (let row = 0; row < this.#rows; row++) {
      const path = wanted.get(this.#ordinals.at(row));
      if (path === undefined) continue;
      const sizeBytes = this.#sizes.at(row);
      const content = sizeBytes === 0 ? [] : this.#content(row);
      yield { type: 'file', path, attributes: this.#attributes.at(row), sizeBytes, content };
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #addRow(ordinal: number, attributes: Attributes, sizeBytes: number): void {
    if (this.#fd === undefined) return;
    if (this.#rows === MOST_FILES) {
      this.close();
      return;
    }
    const row = this.#rows++;
    this.#ordinals.set(row, ordinal);
    this.#starts.set(row, this.#bytes);
    this.#sizes.set(row, sizeBytes);
    this.#attributes.set(row, attributes);
    this.#bytes += sizeBytes;
  }

  /** Writes a chunk of a file. What is not kept is written over by the next one. */
  #write(chunk: Uint8Array, start: number): number {
    this.#orClose(() => {
      for (let at = 0; this.#fd !== undefined && at < chunk.length;)
        at += writeSync(this.#fd, chunk, at, chunk.length - at, start + at);
    });
    return chunk.length;
  }

  /** Does without the pack where the disk is full, or too many files are open. */
  #orClose(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.close();
      if (!isSystemError(error)) throw error;
    }
  }

  /** The content of a file, in pieces, verified once more. */
  async *#content(row: number): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    const start = this.#starts.at(row);
    for await (const piece of this.#pieces(start, start + this.#sizes.at(row))) {
      hash.update(piece);
      yield piece;
    }
    if (this.#digests.at(row)?.equals(hash.digest()) === true) return;
    this.close();
    throw new Failure('digest-mismatch', 'a file that was written aside has changed since', {
      hint: 'look whether the disk of the spool is sound; the layer itself is read with the next try',
    });
  }

  /** Files follow each other, so that one block has many small ones. */
  async *#pieces(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const { start: blockStart, bytes } = this.#block;
      if (at < blockStart || at >= blockStart + bytes.length) {
        this.#block = { start: at, bytes: await this.#read(at, Math.min(BLOCK_BYTES, this.#bytes - at)) };
        continue;
      }
      const piece = bytes.subarray(at - blockStart, end - blockStart);
      at += piece.length;
      yield piece;
    }
  }

  async #read(start: number, length: number): Promise<Buffer> {
    if (this.#fd === undefined) throw new Error('the pack of a layer was closed while it was read');
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length;) {
      const { bytesRead } = await readAt(this.#fd, bytes, at, length - at, start + at);
      if (bytesRead === 0) throw new Error(`the pack of a layer ends after ${start + at} bytes`);
      at += bytesRead;
    }
    return bytes;
  }
}

const NOTHING = Buffer.alloc(0);
