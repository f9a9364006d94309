import { randomUUID } from 'node:crypto';
import { statSync, type Stats } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, isFailure } from '../../core/failure.ts';
import { formatReference, type ImageReference } from '../../core/oci/reference.ts';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import type { Descriptor } from '../../core/oci/manifest.ts';
import { freeBytes, reserveBytes } from '../../core/system/free-space.ts';
import { anySignal } from '../../core/interruption.ts';
import { orUnusable } from '../../core/system-failure.ts';
import { BlobDownload, type BlobRequest, type BlobSource } from './blob-download.ts';
import { Download, type DownloadListener, type DownloadProgress } from './download.ts';
import {
  bytesIn,
  evictOldest,
  type Evicted,
  blobsFolder,
  spoolBytes,
  temporaryFolder,
  isOf,
  partName,
  removeLeftovers,
  type Leftovers,
} from './spool-files.ts';
import { type RateLimit, withinTime } from './download-limits.ts';
import { renameDurably } from '../../core/system/files.ts';

export interface SpoolOptions extends RateLimit {
  /** Of one body, the first included; those that brought a good deal of it (`PROGRESS_BYTES`) do not count. */
  readonly tries: number;
  /** Before the second try; about doubled before each further one. */
  readonly retryDelayMs: number;
  /** Of one blob, with all tries and waits. */
  readonly downloadTimeoutMs: number;
  /** Wait for the download of another registry before the own one is asked, where it brings less than `quickBytes`. */
  readonly patienceMs: number;
  readonly quickBytes: number;
}

type Work = () => Promise<void>;

/** Keeps blobs until it is released: those that are done go then, unless somebody else holds them. */
export interface Hold {
  readonly release: (isDone: boolean) => Promise<void>;
}

const DEFAULT_OPTIONS: SpoolOptions = {
  tries: 3,
  retryDelayMs: 1000,
  downloadTimeoutMs: 6 * 60 * 60 * 1000,
  floorMs: 10 * 60 * 1000,
  rateBytesPerSecond: 256 * 1024,
  patienceMs: 30_000,
  quickBytes: 30 * 1024 * 1024,
};

/**
 * Verified blobs as files: `<directory>/blobs/sha256/<hex>`. What is there is complete and has its digest; what is
 * under way, or came of a download that failed or was killed, lies in `<directory>/tmp`. One process at a time may use
 * a directory.
 */
export class Spool {
  leftovers: Leftovers = { kept: 0, removed: 0 };
  readonly directory: string;
  readonly #options: SpoolOptions;
  readonly #downloads = new Map<Digest, Set<Download>>();
  readonly #holds = new Map<Digest, number>();
  readonly #letGo = new Map<Digest, readonly Work[]>();
  /** True for the name of a blob, or of a part of one, that is held now. */
  readonly #isHeld = (name: string): boolean => [...this.#holds.keys()].some((digest) => isOf(name, digest));

  private constructor(directory: string, options: SpoolOptions) {
    this.directory = directory;
    this.#options = options;
  }

  /**
   * Makes the directory where it is missing. Parts of blobs that a crash left stay for three days.
   *
   * @throws Failure `state-unusable`, `disk-full`
   */
  static async open(directory: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
    const spool = new Spool(directory, { ...DEFAULT_OPTIONS, ...options });
    await spool.#stored(0, async () => {
      for (const folder of spool.#folders) await mkdir(folder, { recursive: true, mode: 0o700 });
      spool.leftovers = await removeLeftovers(spool.#temporary);
    });
    return spool;
  }

  /** The path of the blob, there or not. */
  pathOf(digest: Digest): string {
    return join(blobsFolder(this.directory), hexOf(digest));
  }

  /** @throws Failure `state-unusable` */
  async has(digest: Digest, sizeBytes: number): Promise<boolean> {
    const found = await this.#stored(0, async () => await Promise.resolve(statOf(this.pathOf(digest))));
    return found?.isFile() === true && found.size === sizeBytes;
  }

  /** Does nothing where the blob is not there, or somebody holds it. */
  async remove(digest: Digest): Promise<void> {
    if (!this.#holds.has(digest)) await this.#stored(0, () => rm(this.pathOf(digest), { force: true }));
  }

  /** Keeps blobs from being removed, also those that are still to come. */
  hold(digests: readonly Digest[]): Hold {
    for (const digest of digests) this.#holds.set(digest, (this.#holds.get(digest) ?? 0) + 1);
    return { release: async (isDone) => await this.#release(digests, isDone) };
  }

  /** Does `work` once nobody holds the blob any more: at once where nobody does. Whoever lets go of it waits. */
  async whenLetGo(digest: Digest, work: Work): Promise<void> {
    if (this.#holds.has(digest)) this.#letGo.set(digest, [...(this.#letGo.get(digest) ?? []), work]);
    else await work();
  }

  /** A path for a new file on the disk of the spool. What is left there after a crash is removed. */
  newPath(): string {
    return join(this.#temporary, randomUUID());
  }

  /**
   * Removes blobs and parts that nobody holds, the oldest first, until all files take at most `bytes`.
   *
   * @returns what was removed
   * @throws Failure `state-unusable`
   */
  async shrinkTo(bytes: number): Promise<Evicted> {
    return await this.#stored(0, () => evictOldest(this.#folders, bytes, this.#isHeld));
  }

  /** Bytes that `layers` will still take of the disk. */
  lackingBytes(layers: readonly Descriptor[]): number {
    const each = new Map(layers.map((layer) => [layer.digest, layer.sizeBytes]));
    let lacking = 0;
    for (const [digest, sizeBytes] of each) {
      const part = join(this.#temporary, partName(digest));
      lacking += Math.max(0, sizeBytes - Math.max(sizeOf(this.pathOf(digest)), sizeOf(part)));
    }
    return lacking;
  }

  /** Free bytes of its disk, less a reserve for the state and others; `undefined` where the system cannot say. */
  get freeBytes(): number | undefined {
    const free = freeBytes(this.directory);
    return free === undefined ? undefined : Math.max(0, free - reserveBytes(this.directory));
  }

  /** Bytes that become free when everything goes that nobody holds. */
  get evictableBytes(): number {
    return bytesIn(this.#folders, (name) => !this.#isHeld(name));
  }

  /** Removes what nobody holds, the oldest first, until `bytes` are free, as far as that goes. */
  async makeRoom(bytes: number): Promise<void> {
    const missing = bytes - (this.freeBytes ?? bytes);
    if (missing > 0) await this.shrinkTo(Math.max(0, spoolBytes(this.directory) - missing));
  }

  async #release(digests: readonly Digest[], isDone: boolean): Promise<void> {
    const waiting: (readonly Work[])[] = [];
    for (const digest of digests) {
      const others = (this.#holds.get(digest) ?? 1) - 1;
      if (others > 0) this.#holds.set(digest, others);
      else {
        this.#holds.delete(digest);
        waiting.push(this.#letGo.get(digest) ?? []);
        this.#letGo.delete(digest);
      }
    }
    for (const work of waiting.flat()) await work();
    if (isDone) for (const digest of digests) await this.remove(digest);
  }

  /**
   * Downloads the blob unless it is there, and returns its path. Calls for one digest of one registry at the same time share
   * one download; where it fails for another repository's sake, this one's is asked. A download of another registry is
   * waited for as long as it is quick. Downloads resume what earlier tries and processes brought. `listener.onBytes` gets the
   * bytes so far, which fall back to 0 when they turn out wrong; it is not called for a blob that is there.
   *
   * @throws Failure `digest-mismatch`, `registry-error` or `registry-timeout` for a body that stays wrong or
   *   broken; `registry-timeout` where it is too slow, or the whole takes too long; those of `client`; `disk-full`,
   *   `state-unusable`, `interrupted`
   */
  async fetch(
    client: BlobSource,
    reference: ImageReference,
    descriptor: Descriptor,
    listener: DownloadListener = {},
  ): Promise<string> {
    const source = sourceOf(reference);
    for (let isPatient = true; ;) {
      const running = this.#running(reference, descriptor.digest, isPatient);
      const download = running ?? this.#start({ client, reference, descriptor });
      try {
        if (download.origin.registry === reference.registry) return await download.join(listener);
        const path = await this.#joinWhileQuick(download, listener);
        if (path !== undefined) return path;
        isPatient = false;
      } catch (error) {
        if (listener.signal?.aborted === true || !isFailure(error)) throw error;
        if (running === undefined || !isFailureOfOthers(running, source, error)) throw error;
      }
    }
  }

  /** Finds a download of the same registry, or, where others may be waited for, of any. */
  #running({ registry }: ImageReference, digest: Digest, isPatient: boolean): Download | undefined {
    const all = [...(this.#downloads.get(digest) ?? [])];
    return all.find((one) => one.origin.registry === registry) ?? (isPatient ? all[0] : undefined);
  }

  /**
   * Returns `undefined` where the own registry should be asked as well. A download of another one is not read before it is
   * verified.
   */
  async #joinWhileQuick(
    download: Download,
    { onBytes, signal }: DownloadListener,
  ): Promise<string | undefined> {
    const { patienceMs, quickBytes } = this.#options;
    const leave = new AbortController();
    let known = 0;
    let received = 0;
    const timer = setInterval(() => {
      if (received - known < quickBytes) leave.abort();
      known = received;
    }, patienceMs);
    try {
      return await download.join({
        onBytes: (bytes) => {
          received = bytes;
          onBytes?.(bytes);
        },
        signal: anySignal(signal, leave.signal),
      });
    } catch (error) {
      if (leave.signal.aborted && signal?.aborted !== true) return undefined;
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  #start(request: BlobRequest): Download {
    const { digest, sizeBytes } = request.descriptor;
    const all = this.#downloads.get(digest) ?? new Set();
    this.#downloads.set(digest, all);
    const { reference } = request;
    const part = partName(digest, new Set(Array.from(all, ({ origin }) => origin.part)));
    const origin = { registry: reference.registry, source: sourceOf(reference), part };
    const download: Download = new Download(origin, async (progress, signal) => {
      try {
        if (await this.has(digest, sizeBytes)) return this.pathOf(digest);
        return await this.#download({ ...request, part }, progress, signal);
      } finally {
        all.delete(download);
        if (all.size === 0) this.#downloads.delete(digest);
      }
    });
    all.add(download);
    return download;
  }

  async #download(
    request: BlobRequest & { readonly part: string },
    progress: DownloadProgress,
    stop: AbortSignal,
  ): Promise<string> {
    const path = join(this.#temporary, request.part);
    const target = { path, directory: this.directory, progress };
    const download = new BlobDownload(request, target, this.#options);
    const limitMs = this.#options.downloadTimeoutMs;
    const limit = { limitMs, failure: () => tooLong(request, download.receivedBytes, limitMs) };
    await withinTime(limit, stop, (signal) => download.run({ ...this.#options, signal }));
    const { digest, sizeBytes } = request.descriptor;
    await this.#stored(sizeBytes, () => renameDurably(path, this.pathOf(digest)));
    return this.pathOf(digest);
  }

  get #temporary(): string {
    return temporaryFolder(this.directory);
  }

  get #folders(): readonly string[] {
    return [blobsFolder(this.directory), this.#temporary];
  }

  async #stored<T>(neededBytes: number, work: () => Promise<T>): Promise<T> {
    return await orUnusable({ path: this.directory, code: 'state-unusable', neededBytes }, work);
  }
}

/** True where the failure of `download` need not happen to a download from `source`. */
function isFailureOfOthers(download: Download, source: string, failure: Failure): boolean {
  if (isFailure(failure, 'disk-full', 'state-unusable')) return false;
  return download.isStopped || download.origin.source !== source;
}

function tooLong({ reference, descriptor }: BlobRequest, receivedBytes: number, limitMs: number): Failure {
  const { digest, sizeBytes } = descriptor;
  const came = `${receivedBytes} of ${sizeBytes} bytes came within ${limitMs / 1000} s`;
  return new Failure('registry-timeout', `the blob ${digest} of ${sourceOf(reference)}: only ${came}`, {
    hint: 'check the network; the next run resumes there',
  });
}

function sourceOf(reference: ImageReference): string {
  return formatReference({ ...reference, tag: undefined, digest: undefined });
}

function sizeOf(path: string): number {
  return statOf(path)?.size ?? 0;
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
