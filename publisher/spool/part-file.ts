import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { Failure } from '../../core/failure.ts';
import { interruption } from '../../core/interruption.ts';
import { wrongBytes } from '../../core/oci/digest.ts';
import type { Descriptor } from '../../core/oci/manifest.ts';
import { orUnusable, type StoragePlace } from '../../core/system-failure.ts';
import type { DownloadProgress } from './download.ts';
import { GrowingFile } from './growing-file.ts';

const READ_BYTES = 1024 * 1024;
const APPEND = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

export interface PartTarget {
  readonly path: string;
  /** Named in messages about the file system. */
  readonly directory: string;
  readonly progress: DownloadProgress;
}

/**
 * The beginning of a blob, in a file that outlives a broken body and a killed process, with the running hash of its
 * bytes. Nothing is read ahead of a write, so memory does not grow with the blob.
 *
 * All methods throw `disk-full` and `state-unusable`. The file must be closed, finished or removed.
 */
export class PartFile {
  readonly #handle: FileHandle;
  readonly #descriptor: Descriptor;
  readonly #target: PartTarget;
  readonly #growing: GrowingFile;
  readonly #buffer: WriteBuffer;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  private constructor(handle: FileHandle, descriptor: Descriptor, target: PartTarget) {
    this.#handle = handle;
    this.#descriptor = descriptor;
    this.#target = target;
    this.#growing = new GrowingFile(target.path);
    this.#buffer = new WriteBuffer(handle, this.#growing);
  }

  /**
   * Makes the file, or resumes the one that is there: its bytes count as received when they are hashed, and are
   * believed no more than others. A file with more bytes than `descriptor` says begins anew.
   *
   * @throws Failure `interrupted`, or the reason of `signal`
   */
  static async open(descriptor: Descriptor, target: PartTarget, signal: AbortSignal): Promise<PartFile> {
    // Appending: after the bytes of an earlier process come those of this one.
    const handle = await orUnusable(placeOf(descriptor, target), () => open(target.path, APPEND, 0o600));
    const part = new PartFile(handle, descriptor, target);
    try {
      target.progress.onFile(part.#growing);
      await part.#takeOver(signal);
      return part;
    } catch (error) {
      await part.#end();
      throw error;
    }
  }

  /** Bytes of the blob received so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isComplete(): boolean {
    return this.#sizeBytes === this.#descriptor.sizeBytes;
  }

  get isRight(): boolean {
    return this.isComplete && this.#digest === this.#descriptor.digest;
  }

  /** @throws Failure `digest-mismatch` where there are more bytes than the blob has */
  async append(chunk: Uint8Array): Promise<void> {
    const { sizeBytes } = this.#descriptor;
    if (this.#sizeBytes + chunk.length > sizeBytes) throw this.#mismatch('the registry sends more');
    await this.#stored(this.#buffer.write(chunk));
    this.#count(chunk);
  }

  async flush(): Promise<void> {
    await this.#stored(this.#buffer.flush());
  }

  /**
   * Returns when the whole blob is on the disk; the file is closed then.
   *
   * @throws Failure `digest-mismatch` where size or digest are not the blob's
   */
  async finish(): Promise<void> {
    if (!this.isComplete) throw this.#mismatch(`the registry sends ${this.#sizeBytes}`);
    if (!this.isRight) throw this.#mismatch(`the bytes received have the digest ${this.#digest}`);
    await this.flush();
    this.#growing.end('complete');
    await this.#stored(this.#handle.sync());
    await this.#end();
  }

  /** Leaves what came to another process. Does nothing for a file that is finished or removed. */
  async close(): Promise<void> {
    const isOver = this.#growing.isOver;
    await this.#end();
    if (!isOver && this.#sizeBytes === 0) await this.remove();
  }

  async remove(): Promise<void> {
    await this.#end();
    await this.#stored(rm(this.#target.path, { force: true }));
  }

  async #takeOver(signal: AbortSignal): Promise<void> {
    const { size } = await this.#stored(this.#handle.stat());
    if (size > this.#descriptor.sizeBytes) {
      await this.#stored(this.#handle.truncate());
      return;
    }
    const buffer = Buffer.allocUnsafe(Math.min(size, READ_BYTES));
    while (this.#sizeBytes < size) {
      if (signal.aborted) throw interruption(signal);
      const { bytesRead } = await this.#stored(this.#handle.read(buffer, 0, buffer.length, this.#sizeBytes));
      if (bytesRead === 0) throw new Error(`${this.#target.path} became shorter while it was read`);
      this.#growing.grow(bytesRead);
      this.#count(buffer.subarray(0, bytesRead));
    }
  }

  #count(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    this.#target.progress.onBytes(this.#sizeBytes);
  }

  get #digest(): string {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }

  /** Ends the wait of those who read the file while it grows. */
  async #end(): Promise<void> {
    this.#growing.end('given-up');
    await this.#handle.close();
  }

  async #stored<T>(work: Promise<T>): Promise<T> {
    return await orUnusable(placeOf(this.#descriptor, this.#target), () => work);
  }

  #mismatch(reason: string): Failure {
    const { digest, sizeBytes } = this.#descriptor;
    return wrongBytes(`the blob ${digest} should have ${sizeBytes} bytes: ${reason}`);
  }
}

function placeOf({ sizeBytes }: Descriptor, { directory }: PartTarget): StoragePlace {
  return { path: directory, code: 'state-unusable', neededBytes: sizeBytes };
}

const WRITE_BYTES = 1024 * 1024;

/** Collects small pieces into large writes at the end of a file. */
export class WriteBuffer {
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
