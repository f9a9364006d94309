import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { Failure } from '../../wishlist/failure.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

const CHUNK_BYTES = 1024 * 1024;

/** Told by the first bytes, since media types and reality do not always agree (RFC 1952, RFC 8878). */
export function compressionOf(magic: Uint8Array): Compression {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return 'gzip';
  const number = Buffer.from([...magic.subarray(0, 4), 0, 0, 0, 0]).readUInt32LE();
  const isFrame = number === 0xfd2fb528;
  const isSkippable = number >= 0x184d2a50 && number <= 0x184d2a5f;
  return isFrame || isSkippable ? 'zstd' : 'none';
}

/**
 * The uncompressed bytes of the blob in `path`, in chunks of about 1 MiB.
 *
 * @throws Failure `layer-corrupt` where it does not decompress
 */
export async function* decompress(path: string): AsyncGenerator<Uint8Array> {
  const compression = compressionOf(await firstBytes(path));
  const blob = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    yield* bytesOf(blob, compression);
  } catch (error) {
    throw isCompressionError(error) ? corrupt(compression, error) : error;
  } finally {
    blob.destroy();
  }
}

async function* bytesOf(blob: ReadStream, compression: Compression): AsyncGenerator<Uint8Array> {
  switch (compression) {
    case 'gzip':
      yield* through(blob, zlib.createGunzip({ chunkSize: CHUNK_BYTES }));
      return;
    case 'zstd': {
      const native = nativeZstd();
      yield* native === undefined ? unzstd(chunksOf(blob)) : through(blob, native);
      return;
    }
    case 'none':
      yield* chunksOf(blob);
      return;
  }
}

async function* through(blob: ReadStream, decoder: Transform): AsyncGenerator<Uint8Array> {
  blob.once('error', (error) => decoder.destroy(error));
  blob.pipe(decoder);
  try {
    yield* chunksOf(decoder);
  } finally {
    decoder.destroy();
  }
}

/** Node has zstd from 22.15 on; its types here are older. */
function nativeZstd(): Transform | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create !== 'function') return undefined;
  const decoder: unknown = Reflect.apply(create, zlib, [{ chunkSize: CHUNK_BYTES }]);
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

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function corrupt(compression: Compression, error: Error): Failure {
  return new Failure('layer-corrupt', `it does not decompress (${compression}): ${error.message}`, {
    hint: 'the image is broken in the registry: build and push it again',
    cause: error,
  });
}

/** zlib's errors carry `Z_…` or `ZSTD_…` codes. */
function isCompressionError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return /^(Z_|ZSTD_|ERR_ZSTD)/.test(String(error.code));
}
