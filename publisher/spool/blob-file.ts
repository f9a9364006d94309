import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { Failure } from '../../wishlist/failure.ts';
import type { Descriptor } from '../registry/manifest.ts';
import { storageFailure } from '../storage-failure.ts';
import type { Progress } from './download.ts';
import { GrowingFile } from './growing-file.ts';

const WRITE_BYTES = 1024 * 1024;

/** Where the bytes of a blob go, and whom to tell. */
export interface BlobFile extends Progress {
  readonly path: string;
  /** Named in messages about the file system. */
  readonly directory: string;
}

/**
 * Writes `body` to a new file and returns when it is on the disk. Nothing is read ahead while a write goes on, so
 * memory does not grow with the blob.
 *
 * @throws Failure `digest-mismatch` where size or digest are not those of `descriptor`, and as soon as there are more
 *   bytes; `disk-full`, `state-unusable`; whatever `body` throws. The file is left then.
 */
export async function writeBlob(
  body: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  file: BlobFile,
): Promise<void> {
  const stored = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw storageFailure(error, file.directory, descriptor.sizeBytes);
    }
  };
  const handle = await stored(open(file.path, 'w', 0o600));
  const growing = new GrowingFile(file.path);
  try {
    file.onFile(growing);
    const hash = createHash('sha256');
    const buffered = new WriteBuffer(handle, growing);
    let receivedBytes = 0;
    for await (const chunk of body) {
      receivedBytes += chunk.length;
      if (receivedBytes > descriptor.sizeBytes) throw mismatch(descriptor, 'the registry sends more');
      hash.update(chunk);
      await stored(buffered.write(chunk));
      file.onBytes(receivedBytes);
    }
    if (receivedBytes < descriptor.sizeBytes)
      throw mismatch(descriptor, `the registry sends ${receivedBytes}`);
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== descriptor.digest) throw mismatch(descriptor, `the registry sends ${digest}`);
    await stored(buffered.flush());
    growing.end('complete');
    await stored(handle.sync());
  } finally {
    growing.end('given-up');
    await handle.close();
  }
}

/** Collects small pieces into large writes. */
class WriteBuffer {
  readonly #handle: FileHandle;
  readonly #file: GrowingFile;
  readonly #bytes = Buffer.allocUnsafe(WRITE_BYTES);
  #used = 0;

  constructor(handle: FileHandle, file: GrowingFile) {
    this.#handle = handle;
    this.#file = file;
  }

  async write(piece: Uint8Array): Promise<void> {
    let rest = piece;
    while (rest.length > 0) {
      const part = rest.subarray(0, WRITE_BYTES - this.#used);
      this.#bytes.set(part, this.#used);
      this.#used += part.length;
      rest = rest.subarray(part.length);
      if (this.#used === WRITE_BYTES) await this.flush();
    }
  }

  async flush(): Promise<void> {
    for (let offset = 0; offset < this.#used;) {
      const { bytesWritten } = await this.#handle.write(this.#bytes, offset, this.#used - offset);
      offset += bytesWritten;
    }
    this.#file.grow(this.#used);
    this.#used = 0;
  }
}

function mismatch({ digest, sizeBytes }: Descriptor, reason: string): Failure {
  return new Failure('digest-mismatch', `the blob ${digest} should have ${sizeBytes} bytes: ${reason}`, {
    hint: 'the registry or a proxy in between served wrong bytes: push the image again, or clear the cache',
  });
}
