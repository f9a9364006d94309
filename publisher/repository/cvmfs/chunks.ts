/** Size of the blocks that an archive consists of. */
export const BLOCK_BYTES = 512;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

const CHUNK_BYTES = 1024 * 1024;
/** Pieces of this size go on as they are: copying them together would cost more than one write more. */
const LARGE_BYTES = 64 * 1024;

/** Gathers the small pieces of an archive into large chunks. */
export class Chunks {
  #full: Uint8Array[] = [];
  #whole: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  /** The rest of it. */
  #current: Buffer = this.#whole;
  #used = 0;
  /** Buffers that nobody reads any more: a new one for each chunk would be garbage that the process grows by. */
  readonly #free: Buffer[] = [];
  /** Of the last chunk in a buffer, the whole buffer. */
  readonly #wholes = new WeakMap<Uint8Array, Buffer>();
  /** Bytes of the block that is begun. */
  #begun = 0;

  /** Must not be changed afterwards. */
  write(bytes: Uint8Array): void {
    this.#begun = (this.#begun + bytes.length) % BLOCK_BYTES;
    if (bytes.length >= LARGE_BYTES) {
      this.#flush();
      this.#full.push(bytes);
      return;
    }
    if (bytes.length > this.#current.length - this.#used) this.#flush(bytes.length);
    this.#current.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Text of one character a byte, followed by a NUL and whatever is missing to a whole block. */
  writeText(text: string): void {
    const length = text.length + 1;
    const padded = length + ((BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES);
    const at = this.#room(padded);
    this.#current.write(text, at, 'latin1');
    this.#current.fill(0, at + text.length, at + padded);
  }

  /** A block like `model`, to be filled at once. */
  block(model = ZEROS): Buffer {
    const at = this.#room(BLOCK_BYTES);
    this.#current.set(model, at);
    return this.#current.subarray(at, at + BLOCK_BYTES);
  }

  /** Zeros up to the next block. */
  pad(): void {
    if (this.#begun > 0) this.write(Buffer.alloc(BLOCK_BYTES - this.#begun));
  }

  /** The chunks that are complete. Each is given once. */
  takeFull(): Uint8Array[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** Everything that is left. */
  takeAll(): Uint8Array[] {
    this.#flush();
    return this.takeFull();
  }

  /** Takes back a chunk that has been read, and all before it. What was written as it is stays its writer's. */
  reuse(chunk: Uint8Array): void {
    const whole = this.#wholes.get(chunk);
    if (whole === undefined) return;
    this.#wholes.delete(chunk);
    this.#free.push(whole);
  }

  /** Takes room in the current buffer, and returns where it begins. */
  #room(bytes: number): number {
    if (bytes > this.#current.length - this.#used) this.#flush(bytes);
    const at = this.#used;
    this.#used += bytes;
    return at;
  }

  #flush(needed = 0): void {
    if (this.#used === 0 && needed <= this.#current.length) return;
    const chunk = this.#current.subarray(0, this.#used);
    const rest = this.#current.subarray(this.#used);
    if (chunk.length > 0) this.#full.push(chunk);
    this.#used = 0;
    // What is left of a chunk serves on, as long as it is worth it.
    if (rest.length >= Math.max(LARGE_BYTES, needed)) {
      this.#current = rest;
      return;
    }
    if (chunk.length > 0) this.#wholes.set(chunk, this.#whole);
    this.#whole = this.#taken(needed);
    this.#current = this.#whole;
  }

  #taken(needed: number): Buffer {
    const free = needed <= CHUNK_BYTES ? this.#free.pop() : undefined;
    return free ?? Buffer.allocUnsafe(Math.max(CHUNK_BYTES, needed));
  }
}
