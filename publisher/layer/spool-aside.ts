import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, read, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { writeAtSync } from '../../core/system/files.ts';
import { Failure } from '../../core/failure.ts';
import { Column, DOUBLES } from '../packed/column.ts';
import type { ContentAside, FilesAside } from '../publication/files-aside.ts';
import { ContentDigests } from './content-digests.ts';

const readAt = promisify(read);

const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Read at once; contents are yielded in pieces of at most this size. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Contents one after the other in one file of the spool. It has no name, so that nobody else can open it, and is gone with the
 * process.
 */
export class SpoolAside implements FilesAside {
  /** `undefined` once it is closed. */
  #fd: number | undefined;
  #end = 0;
  #writtenBytes = 0;
  #files = 0;
  readonly #starts = new Column(DOUBLES);
  readonly #digests = new ContentDigests();
  /** The part of it that was read last. */
  #block: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: NOTHING };

  /**
   * @param path of the file, where there is none: it has the name for a moment
   * @throws an error of the system
   */
  constructor(path: string) {
    this.#fd = openSync(path, NEW_FILE, 0o600);
    rmSync(path);
  }

  write(chunk: Uint8Array): void {
    writeAtSync(this.#open, chunk, this.#end + this.#writtenBytes);
    this.#writtenBytes += chunk.length;
  }

  keep(digest: Buffer): void {
    this.#starts.set(this.#files, this.#end);
    this.#digests.set(this.#files, digest);
    this.#files++;
    this.#end += this.#writtenBytes;
    this.#writtenBytes = 0;
  }

  /** The next file is written over it. */
  drop(): void {
    this.#writtenBytes = 0;
  }

  at(number: number): ContentAside {
    return { content: this.#content(number) };
  }

  async close(): Promise<void> {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    await Promise.resolve();
  }

  get #open(): number {
    if (this.#fd === undefined)
      throw new Error('what was written aside of a layer was closed while it was used');
    return this.#fd;
  }

  /** The content of a file, in pieces, verified once more. */
  async *#content(number: number): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    const end = number + 1 < this.#files ? this.#starts.at(number + 1) : this.#end;
    for await (const piece of this.#pieces(this.#starts.at(number), end)) {
      hash.update(piece);
      yield piece;
    }
    if (this.#digests.at(number)?.equals(hash.digest()) === true) return;
    throw new Failure('digest-mismatch', 'a file that was written aside has changed since', {
      hint: 'look whether the disk of the spool is sound; the layer itself is read with the next try',
    });
  }

  /** Files follow each other, so that one block has many small ones. */
  async *#pieces(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const { start: blockStart, bytes } = this.#block;
      if (at < blockStart || at >= blockStart + bytes.length) {
        this.#block = { start: at, bytes: await this.#read(at, Math.min(BLOCK_BYTES, this.#end - at)) };
        continue;
      }
      const piece = bytes.subarray(at - blockStart, end - blockStart);
      at += piece.length;
      yield piece;
    }
  }

  async #read(start: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length;) {
      const { bytesRead } = await readAt(this.#open, bytes, at, length - at, start + at);
      if (bytesRead === 0)
        throw new Error(`what was written aside of a layer ends after ${start + at} bytes`);
      at += bytesRead;
    }
    return bytes;
  }
}

const NOTHING = Buffer.alloc(0);
