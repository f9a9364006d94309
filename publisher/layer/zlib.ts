import { Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Failure } from '../../core/failure.ts';
import { isZero } from './bytes.ts';

/** Larger ones cost more: the memory of each is had anew from the system. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Of a decoder's stream: it works up to four chunks ahead of its reader, in another thread, and yields them as they are.
 * Read as bytes, those that wait would be copied together.
 */
export const DECODING = { chunkSize: CHUNK_BYTES, readableObjectMode: true, readableHighWaterMark: 4 };

/** Pipes `blob` through `decoder`. An error of either is thrown; stopping early leaves neither running. */
export async function* pipeThrough(
  blob: AsyncIterable<Uint8Array>,
  decoder: Transform,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(blob, { objectMode: false, highWaterMark: decoder.writableHighWaterMark });
  source.once('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) yield chunk;
  } finally {
    decoder.destroy();
    source.destroy();
  }
}

/**
 * The uncompressed bytes of all members of `blob`, one after the other. Zeros may follow them, as tapes and some tools
 * have it, and nothing else.
 *
 * @see RFC 1952, section 2.2
 * @throws Failure `layer-corrupt` for what else follows; native errors of zlib
 */
export async function* gunzip(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = zlib.createGunzip(DECODING);
  const input = new TrackedInput(blob, () => decoder.bytesWritten);
  try {
    yield* pipeThrough(input.chunks, decoder);
    for await (const chunk of input.rest())
      if (!isZero(chunk)) throw notDecompressible('gzip', 'other bytes than zeros follow its end');
  } finally {
    await input.close();
  }
}

/** The failure of a layer whose compressed bytes are wrong. */
export function notDecompressible(
  compression: 'gzip' | 'zstd' | 'none',
  reason: string,
  cause?: unknown,
): Failure {
  return new Failure('layer-corrupt', `it does not decompress (${compression}): ${reason}`, {
    hint: 'the image is broken in the registry: build and push it again',
    cause,
  });
}

class TrackedInput {
  readonly #blob: AsyncIterator<Uint8Array>;
  readonly #takenBytes: () => number;
  /** Given, and perhaps not taken; they begin at `#startBytes`. */
  #given: Uint8Array[] = [];
  #startBytes = 0;
  /** Not ended by whoever stops reading, so that the rest can be had. */
  readonly chunks = this.#read();

  constructor(blob: AsyncIterable<Uint8Array>, takenBytes: () => number) {
    this.#blob = blob[Symbol.asyncIterator]();
    this.#takenBytes = takenBytes;
  }

  /** Yields everything the decoder did not take, to the end of the blob. {@link chunks} must not be read any more. */
  async *rest(): AsyncGenerator<Uint8Array> {
    await this.chunks.return(undefined);
    this.#forgetTaken();
    const [first, ...others] = this.#given;
    if (first !== undefined) yield first.subarray(Math.max(0, this.#takenBytes() - this.#startBytes));
    yield* others;
    for (let next = await this.#blob.next(); next.done !== true; next = await this.#blob.next())
      yield next.value;
  }

  async close(): Promise<void> {
    await this.chunks.return(undefined);
    await this.#blob.return?.(undefined);
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (let next = await this.#blob.next(); next.done !== true; next = await this.#blob.next()) {
      this.#forgetTaken();
      this.#given.push(next.value);
      yield next.value;
    }
  }

  #forgetTaken(): void {
    for (let [first] = this.#given; first !== undefined; [first] = this.#given) {
      if (this.#startBytes + first.length > this.#takenBytes()) return;
      this.#given.shift();
      this.#startBytes += first.length;
    }
  }
}
