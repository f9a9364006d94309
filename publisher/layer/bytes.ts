import { Failure } from '../../core/failure.ts';

/** Reads an asynchronous sequence of chunks in pieces of the reader's choosing; holds one chunk at a time. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #what: string;
  #current: Buffer = Buffer.alloc(0);
  #ended = false;

  /** `what` the source is, for messages. */
  constructor(source: AsyncIterable<Uint8Array>, what = 'archive') {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#what = what;
  }

  /**
   * The next `length` bytes, or `undefined` where the source ends exactly here.
   *
   * @throws Failure `layer-corrupt` where it ends in between
   */
  async read(length: number): Promise<Buffer | undefined> {
    if (this.#current.length >= length) return this.#take(length);
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#current.length === 0 && !(await this.#advance())) {
        if (missing === length) return undefined;
        throw this.#truncated(length, length - missing);
      }
      const part = this.#take(Math.min(missing, this.#current.length));
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** The next `length` bytes. Throws as {@link read} does, also where there are none. */
  async readAll(length: number): Promise<Buffer> {
    const bytes = await this.read(length);
    if (bytes === undefined) throw this.#truncated(length, 0);
    return bytes;
  }

  /** The next `length` bytes in pieces as they come. Throws as {@link read} does. */
  async *stream(length: number): AsyncGenerator<Buffer> {
    let missing = length;
    while (missing > 0) {
      if (this.#current.length === 0 && !(await this.#advance()))
        throw this.#truncated(length, length - missing);
      const part = this.#take(Math.min(missing, this.#current.length));
      missing -= part.length;
      yield part;
    }
  }

  /** Passes over `length` bytes. Throws as {@link read} does. */
  async skip(length: number): Promise<void> {
    let missing = length;
    while (missing > 0) {
      if (this.#current.length === 0 && !(await this.#advance()))
        throw this.#truncated(length, length - missing);
      missing -= this.#take(Math.min(missing, this.#current.length)).length;
    }
  }

  /** Reads to the end of the source, whatever is there. */
  async drain(): Promise<void> {
    do this.#current = Buffer.alloc(0);
    while (await this.#advance());
  }

  #take(length: number): Buffer {
    const part = this.#current.subarray(0, length);
    this.#current = this.#current.subarray(length);
    return part;
  }

  async #advance(): Promise<boolean> {
    while (!this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#ended = true;
        return false;
      }
      if (next.value.length === 0) continue;
      this.#current = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
      return true;
    }
    return false;
  }

  #truncated(wanted: number, got: number): Failure {
    return new Failure(
      'layer-corrupt',
      `the ${this.#what} ends early: expected ${wanted} more bytes, got ${got}`,
    );
  }
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
