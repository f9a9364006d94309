import type { FileHandle } from 'node:fs/promises';
import type { GrowingFile } from './growing-file.ts';

const WRITE_BYTES = 1024 * 1024;

/** Collects small pieces into large writes at the end of a file. */
export class WriteBuffer {
  readonly #handle: FileHandle;
  readonly #file: GrowingFile;
  readonly #bytes = Buffer.allocUnsafe(WRITE_BYTES);
  #used = 0;

  constructor(handle: FileHandle, file: GrowingFile) {
    this.#handle = handle;
    this.#file = file;
  }

  async write(piece: Uint8Array): Promise<void> {
    let rest = piece;
    while (rest.length > 0) {
      const part = rest.subarray(0, WRITE_BYTES - this.#used);
      this.#bytes.set(part, this.#used);
      this.#used += part.length;
      rest = rest.subarray(part.length);
      if (this.#used === WRITE_BYTES) await this.flush();
    }
  }

  async flush(): Promise<void> {
    for (let offset = 0; offset < this.#used;) {
      const { bytesWritten } = await this.#handle.write(this.#bytes, offset, this.#used - offset);
      offset += bytesWritten;
    }
    this.#file.grow(this.#used);
    this.#used = 0;
  }
}
