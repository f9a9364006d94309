const CHUNK_BITS = 16;
const CHUNK_BYTES = 1 << CHUNK_BITS;
const OFFSET = CHUNK_BYTES - 1;
const FEWEST_BYTES = 1024;
const LENGTH_BYTES = 2;

/** Texts of one character a byte (Latin-1), each at a position: for a million of names. The position 0 is that of ''. */
export class TextPool {
  readonly #chunks = [Buffer.alloc(FEWEST_BYTES)];
  #used = LENGTH_BYTES;

  /** The position of `text` from now on; the same text again is kept again. */
  add(text: string): number {
    if (text === '') return 0;
    const chunk = this.#room(LENGTH_BYTES + text.length);
    const position = (this.#chunks.length - 1) * CHUNK_BYTES + this.#used;
    chunk.writeUInt16LE(text.length, this.#used);
    chunk.write(text, this.#used + LENGTH_BYTES, 'latin1');
    this.#used += LENGTH_BYTES + text.length;
    return position;
  }

  at(position: number): string {
    const chunk = this.#chunkOf(position);
    const start = (position & OFFSET) + LENGTH_BYTES;
    return chunk.toString('latin1', start, start + chunk.readUInt16LE(start - LENGTH_BYTES));
  }

  isAt(position: number, text: string): boolean {
    const chunk = this.#chunkOf(position);
    const start = (position & OFFSET) + LENGTH_BYTES;
    if (chunk.readUInt16LE(start - LENGTH_BYTES) !== text.length) return false;
    for (let index = 0; index < text.length; index++)
      if (chunk[start + index] !== text.charCodeAt(index)) return false;
    return true;
  }

  #chunkOf(position: number): Buffer {
    const chunk = this.#chunks[position >>> CHUNK_BITS];
    if (chunk === undefined) throw new Error(`there is no text at ${position}`);
    return chunk;
  }

  /** The last chunk, with so many bytes free. */
  #room(bytes: number): Buffer {
    if (bytes > CHUNK_BYTES) throw new Error(`a text of ${bytes} bytes is too long to be kept so`);
    const index = this.#chunks.length - 1;
    const last = this.#chunkOf(index * CHUNK_BYTES);
    if (this.#used + bytes <= last.length) return last;
    if (this.#used + bytes <= CHUNK_BYTES) {
      // Only the first chunk begins small.
      const wanted = 2 ** Math.ceil(Math.log2(this.#used + bytes));
      const larger = Buffer.alloc(wanted);
      last.copy(larger);
      return (this.#chunks[index] = larger);
    }
    const next = Buffer.alloc(CHUNK_BYTES);
    this.#chunks.push(next);
    this.#used = 0;
    return next;
  }
}
