import { unlessAborted } from '../../core/interruption.ts';
import type { GrowingFile } from './growing-file.ts';

/** What there is to tell of a download. */
export interface Progress {
  /** Gets the bytes that are there so far, those of earlier tries and processes included. */
  readonly onBytes: (receivedBytes: number) => void;
  /**
   * Gets the file as soon as there is one, to be read while it grows, over all tries: again where the download begins
   * anew. Nothing in it is verified.
   */
  readonly onFile: (file: GrowingFile) => void;
}

/** Somebody who waits for a download. */
export interface Listener {
  readonly onBytes?: Progress['onBytes'] | undefined;
  readonly onFile?: Progress['onFile'] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where the bytes of a download come from, and go to. */
export interface Origin {
  readonly registry: string;
  /** The repository, with its registry: a failure says something about this alone. */
  readonly source: string;
  /** The name of the file. */
  readonly part: string;
}

/** What a download is made of: it tells how it goes on, and ends when the signal is aborted. */
export type Work = (progress: Progress, signal: AbortSignal) => Promise<string>;

/** One download that several wait for. It is stopped when all of them have given up. */
export class Download {
  readonly origin: Origin;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<Listener>();
  readonly #result: Promise<string>;

  constructor(origin: Origin, work: Work) {
    this.origin = origin;
    const progress: Progress = {
      onBytes: (receivedBytes) => {
        for (const { onBytes } of this.#listeners) onBytes?.(receivedBytes);
      },
      onFile: (file) => {
        for (const { onFile } of this.#listeners) onFile?.(file);
      },
    };
    this.#result = work(progress, this.#stop.signal);
  }

  /** Whether it was stopped, so that its failure says nothing to those who came too late. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * The result, unless `listener` gives up before.
   *
   * @throws Failure `interrupted` when its signal is aborted; the last one to give up gets it when all is cleared up
   */
  async join({ onBytes, onFile, signal }: Listener): Promise<string> {
    const listener: Listener = { onBytes, onFile, signal };
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
