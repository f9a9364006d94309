import { createHash } from 'node:crypto';
import type { Descriptor } from '../../../core/oci/manifest.ts';

const BLOCK_BYTES = 64 * 1024;

/** A blob of any size that nobody has to hold: its bytes are made when they are asked for. */
export class GeneratedBlob {
  readonly descriptor: Descriptor;
  readonly #pattern: Buffer;

  constructor(sizeBytes: number, text = 'blob') {
    this.#pattern = Buffer.alloc(BLOCK_BYTES, text);
    const hash = createHash('sha256');
    for (const piece of this.bytes(0, sizeBytes)) hash.update(piece);
    this.descriptor = { mediaType: 'x', digest: `sha256:${hash.digest('hex')}`, sizeBytes };
  }

  /** The bytes from `from` on and before `to`, which may lie behind the end of the blob. */
  *bytes(from: number, to: number): Generator<Buffer> {
    for (let at = from; at < to;) {
      const start = at % BLOCK_BYTES;
      const piece = this.#block(Math.floor(at / BLOCK_BYTES)).subarray(start, start + to - at);
      yield piece;
      at += piece.length;
    }
  }

  /** Each block begins with its number, so that none can stand for another. */
  #block(number: number): Buffer {
    const block = Buffer.from(this.#pattern);
    block.writeUInt32BE(number);
    return block;
  }
}
