import type { FileEntry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { asFailure, Failure } from '../../core/failure.ts';
import { decompress } from './decompress.ts';
import { isLandmark, memberPath } from './member-path.ts';
import { TarReader } from './tar-reader.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { CHUNK_BYTES } from './zlib.ts';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';

/** Paths of the files of a layer that are wanted, by ordinal (position among the archive's members). */
export type Wanted = Pick<ReadonlyMap<number, BytePath>, 'size' | 'get'>;

/**
 * The files of the layer that are `wanted`, with their contents, in the order of the archive. What was yielded counts only
 * when all of it was: then the whole blob had its digest again.
 *
 * @throws Failure `digest-mismatch` where the blob has changed since it was verified; `layer-corrupt`
 */
export async function* layerContents(blob: LayerBlob, wanted: Wanted): AsyncGenerator<FileEntry> {
  const verified = new VerifiedBlob(blob, await open(blob.path, READ));
  try {
    yield* wantedFiles(verified, wanted);
    await verified.verify();
  } catch (error) {
    throw await reasonOf(error, verified);
  } finally {
    await verified.close();
  }
}

async function* wantedFiles(blob: VerifiedBlob, wanted: Wanted): AsyncGenerator<FileEntry> {
  const bytes = decompressed(blob);
  const archive = new TarReader(bytes);
  let found = 0;
  try {
    for (let ordinal = 0; found < wanted.size;) {
      const member = await archive.next();
      if (member === undefined)
        throw new Error(`${blob.path} holds ${found} of ${wanted.size} files that its listing names`);
      if (member.sizeBytes === 1 && isLandmark({ ...member, path: memberPath(member.name) })) continue;
      const path = wanted.get(ordinal++);
      if (path === undefined) continue;
      found++;
      const { attributes, sizeBytes } = member;
      yield { type: 'file', path, attributes, sizeBytes, content: archive.content() };
    }
  } finally {
    await bytes.return(undefined);
  }
}

async function* decompressed(blob: VerifiedBlob): AsyncGenerator<Uint8Array> {
  try {
    yield* decompress(blob.bytes());
  } catch (error) {
    throw await reasonOf(error, blob);
  }
}

/** The mismatch of a blob that has changed, in place of any error that this led to. */
async function reasonOf(error: unknown, blob: VerifiedBlob): Promise<Failure> {
  try {
    await blob.verify();
    return asFailure(error);
  } catch (mismatch) {
    return asFailure(mismatch);
  }
}

/** A blob that was verified when it came, as a file. */
export interface LayerBlob {
  readonly path: string;
  readonly digest: Digest;
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW;

/** Reads a blob again, and checks that it is still the one that was verified. It must be closed. */
class VerifiedBlob {
  readonly path: string;
  readonly #digest: Digest;
  readonly #hash = createHash('sha256');
  readonly #handle: FileHandle;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #found: string | undefined;

  constructor({ path, digest }: LayerBlob, handle: FileHandle) {
    this.path = path;
    this.#digest = digest;
    this.#handle = handle;
    const stream = handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false });
    this.#chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  /** Its bytes from where it was read to: may be stopped and resumed. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) {
      this.#hash.update(next.value);
      yield next.value;
    }
  }

  /**
   * Reads the rest. A blob that is another one now is removed, so that it is fetched again.
   *
   * @throws Failure `digest-mismatch`
   */
  async verify(): Promise<void> {
    for await (const _ of this.bytes());
    const found = (this.#found ??= `sha256:${this.#hash.digest('hex')}`);
    if (found === this.#digest) return;
    await rm(this.path, { force: true });
    throw new Failure(
      'digest-mismatch',
      `the file ${this.path} has changed since it was verified: it has the digest ${found}`,
      {
        hint: 'look who may write there, and whether the disk is sound; the layer is fetched again with the next try',
      },
    );
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
    await this.#handle.close();
  }
}
