import { createReadStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { codeOf } from '../../wishlist/error-code.ts';
import { Failure } from '../../wishlist/failure.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** What readers of one blob at a time do best with: each chunk is a trip to another thread and back. */
export const LARGE_CHUNK_BYTES = 1024 * 1024;
/**
 * With several blobs at a time, large chunks are so much memory outside the heap that the garbage collector runs
 * without end.
 */
const CHUNK_BYTES = 256 * 1024;
const MAGIC_BYTES = 4;

/** Told by the first bytes, since media types and reality do not always agree (RFC 1952, RFC 8878). */
export function compressionOf(magic: Uint8Array): Compression {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return 'gzip';
  const number = Buffer.from([...magic.subarray(0, 4), 0, 0, 0, 0]).readUInt32LE();
  const isFrame = number === 0xfd2fb528;
  const isSkippable = number >= 0x184d2a50 && number <= 0x184d2a5f;
  return isFrame || isSkippable ? 'zstd' : 'none';
}

/**
 * The uncompressed bytes of `blob`, a file's path or the bytes of one, in chunks of about `chunkBytes`.
 *
 * @throws Failure `layer-corrupt` where it does not decompress; whatever reading it throws
 */
export async function* decompress(
  blob: string | AsyncIterable<Uint8Array>,
  chunkBytes = CHUNK_BYTES,
): AsyncGenerator<Uint8Array> {
  const bytes =
    typeof blob === 'string' ? chunksOf(createReadStream(blob, { highWaterMark: chunkBytes })) : blob;
  const iterator = bytes[Symbol.asyncIterator]();
  let compression: Compression = 'none';
  try {
    const start = await firstBytes(iterator);
    compression = compressionOf(start);
    yield* bytesOf(from(start, iterator), compression, chunkBytes);
  } catch (error) {
    throw isCompressionError(error) ? corrupt(compression, error) : error;
  } finally {
    await iterator.return?.(undefined);
  }
}

async function* bytesOf(
  blob: AsyncIterable<Uint8Array>,
  compression: Compression,
  chunkBytes: number,
): AsyncGenerator<Uint8Array> {
  switch (compression) {
    case 'gzip':
      yield* through(blob, zlib.createGunzip({ chunkSize: chunkBytes }));
      return;
    case 'zstd': {
      const native = nativeZstd(chunkBytes);
      yield* native === undefined ? unzstd(blob) : through(blob, native);
      return;
    }
    case 'none':
      yield* blob;
      return;
  }
}

async function* through(blob: AsyncIterable<Uint8Array>, decoder: Transform): AsyncGenerator<Uint8Array> {
  const source = Readable.from(blob, { objectMode: false, highWaterMark: decoder.writableHighWaterMark });
  source.once('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    yield* chunksOf(decoder);
  } finally {
    decoder.destroy();
    source.destroy();
  }
}

/** Node has zstd from 22.15 on; its types here are older. */
function nativeZstd(chunkSize: number): Transform | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create !== 'function') return undefined;
  const decoder: unknown = Reflect.apply(create, zlib, [{ chunkSize }]);
  return decoder instanceof Transform ? decoder : undefined;
}

/** In JavaScript: slower by a factor of five. */
async function* unzstd(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => ready.push(chunk));
  for await (const chunk of blob) {
    feed(decoder, chunk, false);
    yield* ready;
    ready = [];
  }
  feed(decoder, new Uint8Array(0), true);
  yield* ready;
}

/** Damaged data makes the decoder stumble too: not every error is one of its own. */
function feed(decoder: Decompress, chunk: Uint8Array, isLast: boolean): void {
  try {
    decoder.push(chunk, isLast);
  } catch (error) {
    throw error instanceof Error ? corrupt('zstd', error) : error;
  }
}

async function* chunksOf(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    if (typeof chunk === 'string') throw new Error('a stream of bytes gives no text');
    yield chunk;
  }
}

/** Enough to tell the compression by, or all that there is. */
async function firstBytes(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0);
  while (start.length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

/** `start`, then what `iterator` still has. */
async function* from(start: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

function corrupt(compression: Compression, error: Error): Failure {
  return new Failure('layer-corrupt', `it does not decompress (${compression}): ${error.message}`, {
    hint: 'the image is broken in the registry: build and push it again',
    cause: error,
  });
}

/** zlib's errors carry `Z_…` or `ZSTD_…` codes. */
function isCompressionError(error: unknown): error is Error {
  return /^(Z_|ZSTD_|ERR_ZSTD)/.test(codeOf(error) ?? '');
}
