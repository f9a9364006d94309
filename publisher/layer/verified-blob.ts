import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { Failure } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { CHUNK_BYTES } from './through.ts';

/** A blob that was verified when it came, as a file. */
export interface LayerBlob {
  readonly path: string;
  readonly digest: Digest;
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW;

/** Reads a blob again, and tells whether it is still the one that was verified. It must be closed. */
export class VerifiedBlob {
  readonly #blob: LayerBlob;
  readonly #hash = createHash('sha256');
  readonly #handle: FileHandle;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #found: string | undefined;

  private constructor(blob: LayerBlob, handle: FileHandle) {
    this.#blob = blob;
    this.#handle = handle;
    const stream = handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false });
    this.#chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  static async open(blob: LayerBlob): Promise<VerifiedBlob> {
    return new VerifiedBlob(blob, await open(blob.path, READ));
  }

  get path(): string {
    return this.#blob.path;
  }

  /** Its bytes from where it was read to. Whoever stops early may go on. */
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
    const { path, digest } = this.#blob;
    const found = (this.#found ??= `sha256:${this.#hash.digest('hex')}`);
    if (found === digest) return;
    await rm(path, { force: true });
    throw new Failure(
      'digest-mismatch',
      `the file ${path} has changed since it was verified: it has the digest ${found}`,
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
