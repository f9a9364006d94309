import { createReadStream } from 'node:fs';
import { codeOf } from '../../core/system-error.ts';
import { CHUNK_BYTES, gunzip, notDecompressible } from './zlib.ts';
import { FRAME_MAGIC, isSkippable } from './zstd-frames.ts';

export const COMPRESSIONS = ['gzip', 'zstd', 'none'] as const;

export type Compression = (typeof COMPRESSIONS)[number];

/** First bytes of a blob that show its compression. */
export const MAGIC_BYTES = 4;

/** The bytes of the blob in the file `path`, as they are. */
export function readBlob(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
}

/** Looks at the first bytes, since media types and reality do not always agree (RFC 1952, RFC 8878). */
export function compressionOf(magic: Uint8Array): Compression {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return 'gzip';
  const number = Buffer.from([...magic.subarray(0, 4), 0, 0, 0, 0]).readUInt32LE();
  return number === FRAME_MAGIC || isSkippable(number) ? 'zstd' : 'none';
}

/**
 * The uncompressed bytes of `blob`, a file's path or the bytes of one, in chunks of about {@link CHUNK_BYTES}.
 *
 * @throws Failure `layer-corrupt` where it does not decompress, `layer-refused` where that would take too much memory;
 *   whatever reading it throws
 */
export async function* decompress(blob: string | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const bytes = typeof blob === 'string' ? readBlob(blob) : blob;
  const iterator = bytes[Symbol.asyncIterator]();
  let compression: Compression = 'none';
  try {
    const start = await firstBytes(iterator);
    compression = compressionOf(start);
    yield* await bytesOf(from(start, iterator), compression);
  } catch (error) {
    throw isCompressionError(error) ? notDecompressible(compression, error.message, error) : error;
  } finally {
    await iterator.return?.(undefined);
  }
}

async function bytesOf(
  blob: AsyncIterable<Uint8Array>,
  compression: Compression,
): Promise<AsyncIterable<Uint8Array>> {
  switch (compression) {
    case 'gzip':
      return gunzip(blob);
    case 'zstd':
      return (await import('./zstd.ts')).unzstd(blob);
    case 'none':
      return blob;
  }
}

/** Reads enough to recognize the compression, or all that there is. */
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

/** zlib's errors carry `Z_…` or `ZSTD_…` codes. */
function isCompressionError(error: unknown): error is Error {
  return /^(Z_|ZSTD_|ERR_ZSTD)/.test(codeOf(error) ?? '');
}
