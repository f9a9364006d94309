import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { Failure } from '../../wishlist/failure.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

const CHUNK_BYTES = 1024 * 1024;

/** Told by the first bytes, since media types and reality do not always agree (RFC 1952, RFC 8878). */
export function compressionOf(magic: Uint8Array): Compression {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return 'gzip';
  const little = ((magic[3] ?? 0) << 24) | ((magic[2] ?? 0) << 16) | ((magic[1] ?? 0) << 8) | (magic[0] ?? 0);
  const isFrame = little >>> 0 === 0xfd2fb528;
  const isSkippable = (little & 0xfffffff0) >>> 0 === 0x184d2a50;
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
    if (!isCompressionError(error)) throw error;
    throw new Failure('layer-corrupt', `it does not decompress (${compression}): ${error.message}`, {
      cause: error,
    });
  } finally {
    blob.destroy();
  }
}

function bytesOf(blob: NodeJS.ReadableStream, compression: Compression): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'gzip':
      return through(blob, zlib.createGunzip({ chunkSize: CHUNK_BYTES }));
    case 'zstd':
      return unzstd(blob);
    case 'none':
      return blob as AsyncIterable<Uint8Array> & NodeJS.ReadableStream;
  }
}

/** Node has zstd from 22.15 on; before that a JavaScript decoder, slower by a factor of five. */
function unzstd(blob: NodeJS.ReadableStream): AsyncIterable<Uint8Array> {
  const native = (zlib as { createZstdDecompress?: (options: object) => NodeJS.ReadWriteStream })
    .createZstdDecompress;
  return native === undefined ? unzstdInJavaScript(blob) : through(blob, native({ chunkSize: CHUNK_BYTES }));
}

async function* through(
  blob: NodeJS.ReadableStream,
  decoder: NodeJS.ReadWriteStream,
): AsyncGenerator<Uint8Array> {
  blob.once('error', (error) => (decoder as zlib.Gunzip).destroy(error));
  blob.pipe(decoder);
  yield* decoder as NodeJS.ReadWriteStream & AsyncIterable<Uint8Array>;
}

async function* unzstdInJavaScript(blob: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  let ended = false;
  const decoder = new Decompress((chunk, final) => {
    ready.push(chunk);
    ended ||= final === true;
  });
  for await (const chunk of blob) {
    decoder.push(chunk as Buffer);
    yield* ready;
    ready = [];
  }
  if (!ended) decoder.push(new Uint8Array(0), true);
  yield* ready;
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer;
  } finally {
    await file.close();
  }
}

/** zlib's errors carry `Z_…` or `ZSTD_…` codes; fzstd's a number. */
function isCompressionError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'number' || /^(Z_|ZSTD_|ERR_ZSTD)/.test(String(error.code));
}
