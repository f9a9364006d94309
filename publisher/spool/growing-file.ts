import { EventEmitter, once } from 'node:events';
import { open } from 'node:fs/promises';

const READ_BYTES = 256 * 1024;

/** A file that is read while it is written from its start to its end. */
export class GrowingFile {
  readonly #path: string;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #writtenBytes = 0;
  #state: 'growing' | 'complete' | 'given-up' = 'growing';

  constructor(path: string) {
    this.#path = path;
  }

  get isOver(): boolean {
    return this.#state !== 'growing';
  }

  /** `bytes` more are in the file. */
  grow(bytes: number): void {
    this.#writtenBytes += bytes;
    this.#changes.emit('change');
  }

  /** Nothing more comes. Only the first call counts. */
  end(state: 'complete' | 'given-up'): void {
    if (this.#state === 'growing') this.#state = state;
    this.#changes.emit('change');
  }

  /** The file from its start, as it grows. @throws Error where it is given up, also when that was before */
  async *read(): AsyncGenerator<Uint8Array> {
    const file = await open(this.#path);
    try {
      let position = 0;
      while (position < this.#writtenBytes || this.#state !== 'complete') {
        if (this.#state === 'given-up') throw new Error(`${this.#path} does not become complete`);
        const waitingBytes = Math.min(this.#writtenBytes - position, READ_BYTES);
        if (waitingBytes === 0) {
          await once(this.#changes, 'change');
          continue;
        }
        const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(waitingBytes), position });
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
}
