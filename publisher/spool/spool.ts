import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../wishlist/error-code.ts';
import { isFailure, type Failure } from '../../wishlist/failure.ts';
import { formatReference, type ImageReference } from '../../wishlist/reference.ts';
import { hexOf, type Digest } from '../registry/digest.ts';
import type { Descriptor } from '../registry/manifest.ts';
import { Retryable, withRetries } from '../registry/retry.ts';
import { writeBlob } from './blob-file.ts';
import { Download, type Listener, type Progress } from './download.ts';
import { storageFailure } from '../storage-failure.ts';

/** Where blobs come from: a `RegistryClient`. */
export interface BlobSource {
  openBlob(
    reference: ImageReference,
    descriptor: Descriptor,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<AsyncIterable<Uint8Array>>;
}

export interface SpoolOptions {
  /** Of one body, the first included. */
  readonly tries: number;
  /** Before the second try; about doubled before each further one. */
  readonly retryDelayMs: number;
}

const DEFAULT_OPTIONS: SpoolOptions = { tries: 3, retryDelayMs: 1000 };

/**
 * Verified blobs as files: `<directory>/blobs/sha256/<hex>`. What is there is complete and has its digest; what is
 * under way lies in `<directory>/tmp`. One process at a time may use a directory.
 */
export class Spool {
  readonly #directory: string;
  readonly #options: SpoolOptions;
  readonly #downloads = new Map<Digest, Download>();

  private constructor(directory: string, options: SpoolOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Makes the directory where it is missing, and removes what a crash left half done.
   *
   * @throws Failure `state-unusable`, `disk-full`
   */
  static async open(directory: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
    const spool = new Spool(directory, { ...DEFAULT_OPTIONS, ...options });
    await spool.#stored(0, async () => {
      await mkdir(spool.#blobs, { recursive: true });
      await mkdir(spool.#temporary, { recursive: true });
      for (const name of await readdir(spool.#temporary)) {
        await rm(join(spool.#temporary, name), { recursive: true, force: true });
      }
    });
    return spool;
  }

  /** Where the blob is, or would be. */
  pathOf(digest: Digest): string {
    return join(this.#blobs, hexOf(digest));
  }

  /** @throws Failure `state-unusable` */
  async has(digest: Digest, sizeBytes: number): Promise<boolean> {
    const found = await this.#stored(0, () => statIfThere(this.pathOf(digest)));
    return found?.isFile() === true && found.size === sizeBytes;
  }

  /** Does nothing where the blob is not there. */
  async remove(digest: Digest): Promise<void> {
    await this.#stored(0, () => rm(this.pathOf(digest), { force: true }));
  }

  /**
   * The path of the complete blob, which is downloaded unless it is there. Those who ask for one digest at the same
   * time share one download; where it fails for another repository's sake, this one's is asked.
   * `listener.onBytes` gets the bytes received so far, which fall back when a broken body begins again; it is not
   * called for a blob that is there.
   *
   * @throws Failure `digest-mismatch`, `registry-error` or `registry-timeout` for a body that stays wrong or
   *   broken; those of `client`; `disk-full`, `state-unusable`, `interrupted`
   */
  async fetch(
    client: BlobSource,
    reference: ImageReference,
    descriptor: Descriptor,
    listener: Listener = {},
  ): Promise<string> {
    const source = sourceOf(reference);
    for (;;) {
      const running = this.#downloads.get(descriptor.digest);
      const download = running ?? this.#start(client, reference, descriptor);
      try {
        return await download.join(listener);
      } catch (error) {
        if (listener.signal?.aborted === true || !isFailure(error)) throw error;
        if (running === undefined || !isFailureOfOthers(running, source, error)) throw error;
      }
    }
  }

  #start(client: BlobSource, reference: ImageReference, descriptor: Descriptor): Download {
    const { digest, sizeBytes } = descriptor;
    const download = new Download(sourceOf(reference), async (progress, signal) => {
      try {
        if (await this.has(digest, sizeBytes)) return this.pathOf(digest);
        const policy = { ...this.#options, signal };
        return await withRetries(policy, async () => {
          const body = await client.openBlob(reference, descriptor, { signal });
          return await this.#receive(body, descriptor, progress);
        });
      } finally {
        this.#downloads.delete(digest);
      }
    });
    this.#downloads.set(digest, download);
    return download;
  }

  /** @throws Retryable where the body is to blame */
  async #receive(
    body: AsyncIterable<Uint8Array>,
    descriptor: Descriptor,
    progress: Progress,
  ): Promise<string> {
    const part = join(this.#temporary, `${hexOf(descriptor.digest)}.part`);
    try {
      await writeBlob(body, descriptor, { ...progress, path: part, directory: this.#directory });
      return await this.#keep(part, descriptor);
    } catch (error) {
      await this.#stored(0, () => rm(part, { force: true }));
      if (isFailure(error, 'digest-mismatch', 'registry-error', 'registry-timeout'))
        throw new Retryable(error);
      throw error;
    }
  }

  async #keep(part: string, { digest, sizeBytes }: Descriptor): Promise<string> {
    const path = this.pathOf(digest);
    await this.#stored(sizeBytes, async () => {
      await rename(part, path);
      await syncDirectory(this.#blobs);
    });
    return path;
  }

  get #blobs(): string {
    return join(this.#directory, 'blobs', 'sha256');
  }

  get #temporary(): string {
    return join(this.#directory, 'tmp');
  }

  async #stored<T>(neededBytes: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageFailure(error, this.#directory, neededBytes);
    }
  }
}

/** Whether what ended `download` need not happen to a download from `source`. */
function isFailureOfOthers(download: Download, source: string, failure: Failure): boolean {
  if (isFailure(failure, 'disk-full', 'state-unusable')) return false;
  return download.isStopped || download.source !== source;
}

function sourceOf(reference: ImageReference): string {
  return formatReference({ ...reference, tag: undefined, digest: undefined });
}

async function statIfThere(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** A new name lasts through a power cut only when its directory is written. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
