import { unlessAborted } from '../../core/interruption.ts';
import type { GrowingFile } from './growing-file.ts';

export interface DownloadProgress {
  /** Gets the bytes that are there so far, those of earlier tries and processes included. */
  readonly onBytes: (receivedBytes: number) => void;
  /**
   * Gets the file as soon as there is one, to be read while it grows, over all tries: again where the download begins
   * anew. Nothing in it is verified.
   */
  readonly onFile: (file: GrowingFile) => void;
}

/** A caller that waits for a download. */
export interface DownloadListener {
  readonly onBytes?: DownloadProgress['onBytes'] | undefined;
  readonly onFile?: DownloadProgress['onFile'] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Source and target of a download. */
export interface DownloadOrigin {
  readonly registry: string;
  /** The repository, with its registry: a failure says something about this alone. */
  readonly source: string;
  readonly part: string;
}

/** A download that several callers wait for. It is stopped when all of them have given up. */
export class Download {
  readonly origin: DownloadOrigin;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<DownloadListener>();
  readonly #result: Promise<string>;

  /** @param work reports its progress, and ends when the signal is aborted */
  constructor(
    origin: DownloadOrigin,
    work: (progress: DownloadProgress, signal: AbortSignal) => Promise<string>,
  ) {
    this.origin = origin;
    const progress: DownloadProgress = {
      onBytes: (receivedBytes) => {
        for (const { onBytes } of this.#listeners) onBytes?.(receivedBytes);
      },
      onFile: (file) => {
        for (const { onFile } of this.#listeners) onFile?.(file);
      },
    };
    this.#result = work(progress, this.#stop.signal);
  }

  /** True once it was stopped: its failure says nothing to callers that came too late. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Settles like the download, unless `listener` gives up before.
   *
   * @throws Failure `interrupted` when its signal is aborted; the last one to give up gets it when all is cleared up
   */
  async join(caller: DownloadListener): Promise<string> {
    const listener = { ...caller };
    const { signal } = listener;
    this.#listeners.add(listener);
    try {
      return await unlessAborted(this.#result, signal);
    } catch (error) {
      this.#listeners.delete(listener);
      if (signal?.aborted === true && this.#listeners.size === 0) await this.#stopAndClear(signal);
      throw error;
    } finally {
      this.#listeners.delete(listener);
    }
  }

  async #stopAndClear({ reason }: AbortSignal): Promise<void> {
    this.#stop.abort(reason);
    await Promise.allSettled([this.#result]);
  }
}
