import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';

const BLOCK_BYTES = 512;
const SIZE_FIELD = { start: 124, end: 136 };

/**
 * Passes a tar stream on up to its end-of-archive mark and ends there, as the real reader does: what follows is not
 * read, and the writer need not close the stream. A stream that ends without the mark just ends.
 */
export class EndOfArchive extends Transform {
  #header = Buffer.alloc(0);
  /** Content and padding of the entry that are still to come. */
  #contentBytes = 0;
  #ended = false;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let offset = 0;
    while (!this.#ended && offset < chunk.length) offset = this.#pass(chunk, offset);
    done();
  }

  override _flush(done: TransformCallback): void {
    if (!this.#ended && this.#header.length > 0) this.push(this.#header);
    done();
  }

  /** @returns the offset of what is next */
  #pass(chunk: Buffer, offset: number): number {
    if (this.#contentBytes > 0) {
      const end = Math.min(chunk.length, offset + this.#contentBytes);
      this.push(chunk.subarray(offset, end));
      this.#contentBytes -= end - offset;
      return end;
    }
    const end = Math.min(chunk.length, offset + BLOCK_BYTES - this.#header.length);
    this.#header = Buffer.concat([this.#header, chunk.subarray(offset, end)]);
    if (this.#header.length === BLOCK_BYTES) this.#endHeader();
    return end;
  }

  #endHeader(): void {
    if (this.#header.every((byte) => byte === 0)) {
      this.#ended = true;
      this.push(null);
      return;
    }
    this.push(this.#header);
    const sizeBytes = sizeOf(this.#header.subarray(SIZE_FIELD.start, SIZE_FIELD.end));
    this.#contentBytes = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    this.#header = Buffer.alloc(0);
  }
}

/** Octal digits, or a binary number where the first bit is set. */
function sizeOf(field: Buffer): number {
  if ((field[0] ?? 0) >= 0x80) return field.readUIntBE(6, 6);
  return Number.parseInt(field.toString('latin1').replaceAll('\0', ' ').trim(), 8) || 0;
}
