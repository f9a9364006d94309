import { EventEmitter, once } from 'node:events';

/**
 * The chunks of `source`, which works ahead of their reader until about `limitBytes` wait: cvmfs_server takes a while
 * before it begins to read, and then it should not wait for us. `onRead` gets each chunk that its reader is done with.
 */
export async function* readAhead(
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
  onRead: (chunk: Uint8Array) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const queue = new Queue(limitBytes);
  const filling = queue.fill(source);
  // The reader gets its error in turn: until then it must not end the process as nobody's.
  filling.catch(() => undefined);
  try {
    for (let chunk = await queue.take(); chunk !== undefined; chunk = await queue.take()) {
      yield chunk;
      onRead(chunk);
    }
    await filling;
  } finally {
    queue.stop();
    await Promise.allSettled([filling]);
  }
}

class Queue {
  readonly #limitBytes: number;
  readonly #changes = new EventEmitter();
  #chunks: Uint8Array[] = [];
  #waitingBytes = 0;
  #hasEnded = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  async fill(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of source) {
        this.#chunks.push(chunk);
        this.#waitingBytes += chunk.length;
        this.#changes.emit('change');
        while (this.#waitingBytes >= this.#limitBytes && !this.#hasEnded) await once(this.#changes, 'change');
        if (this.#hasEnded) return;
      }
    } finally {
      this.stop();
    }
  }

  /** The next chunk; `undefined`: the source has ended, or failed. */
  async take(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#hasEnded) await once(this.#changes, 'change');
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#waitingBytes -= chunk.length;
    this.#changes.emit('change');
    return chunk;
  }

  stop(): void {
    this.#hasEnded = true;
    this.#changes.emit('change');
  }
}
