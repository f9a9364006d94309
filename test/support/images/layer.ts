import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../../../core/oci/digest.ts';
import { blobOf } from './blob.ts';
import type { Blob, BlobInFile, BlobInMemory } from './blob.ts';
import { compressed } from './compression.ts';
import type { Compression } from './compression.ts';
import type { LayerEntry } from './layer-entry.ts';
import { tarArchive } from './tar.ts';

export type Layer = Blob & LayerFacts;

interface LayerFacts {
  readonly compression: Compression;
  /** Digest of the archive before compression. */
  readonly diffId: Digest;
}

export interface LayerOptions {
  /** gzip, where nothing is said. */
  readonly compression?: Compression;
  /** For gzip: 1 (fast, the default) to 9. */
  readonly level?: number;
}

/** A layer of `entries`, held in memory. Its media type is the OCI one; images give it that of their flavour. */
export async function layer(
  entries: Iterable<LayerEntry>,
  options: LayerOptions = {},
): Promise<BlobInMemory & LayerFacts> {
  const { archive, compression, diffId } = archiveOf(entries, options);
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  return { ...blobOf(LAYER_MEDIA_TYPES[compression], Buffer.concat(chunks)), compression, diffId: diffId() };
}

/** The same for a large layer: written to the new file `path` as it is made, and served from there. */
export async function layerInFile(
  path: string,
  entries: Iterable<LayerEntry>,
  options: LayerOptions = {},
): Promise<BlobInFile & LayerFacts> {
  const { archive, compression, diffId } = archiveOf(entries, options);
  const hash = createHash('sha256');
  let size = 0;
  const counted = hashed(archive, hash, (bytes) => (size += bytes));
  await pipeline(counted, createWriteStream(path, { flags: 'wx' }));
  const mediaType = LAYER_MEDIA_TYPES[compression];
  return { mediaType, digest: digestOf(hash), size, file: path, compression, diffId: diffId() };
}

const LAYER_MEDIA_TYPES: Readonly<Record<Compression, string>> = {
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  plain: 'application/vnd.oci.image.layer.v1.tar',
};

interface Archive {
  readonly archive: AsyncIterable<Buffer>;
  readonly compression: Compression;
  /** Known once the archive has been read to its end. */
  readonly diffId: () => Digest;
}

function archiveOf(
  entries: Iterable<LayerEntry>,
  { compression = 'gzip', level = 1 }: LayerOptions,
): Archive {
  const hash = createHash('sha256');
  return {
    archive: compressed(hashed(gathered(tarArchive(entries)), hash), compression, level),
    compression,
    diffId: () => digestOf(hash),
  };
}

const GATHERED_BYTES = 256 * 1024;

/** Small pieces together, since each one takes a trip through the compressor. */
async function* gathered(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < GATHERED_BYTES) continue;
    yield Buffer.concat(waiting);
    [waiting, bytes] = [[], 0];
  }
  yield Buffer.concat(waiting);
}

async function* hashed(
  chunks: AsyncIterable<Buffer>,
  hash: Hash,
  count?: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    count?.(chunk.length);
    yield chunk;
  }
}

function digestOf(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}`;
}
