import { unlessAborted } from '../interruption.ts';

/** Somebody who waits for a download. */
export interface Listener {
  readonly onBytes?: ((receivedBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a download is made of: it reports the bytes so far, and ends when `signal` is aborted. */
export type Work = (report: (receivedBytes: number) => void, signal: AbortSignal) => Promise<string>;

/** One download that several wait for. It is stopped when all of them have given up. */
export class Download {
  /** Where the bytes come from: a failure says something about this source alone. */
  readonly source: string;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<Listener>();
  readonly #result: Promise<string>;

  constructor(source: string, work: Work) {
    this.source = source;
    this.#result = work((receivedBytes) => {
      for (const { onBytes } of this.#listeners) onBytes?.(receivedBytes);
    }, this.#stop.signal);
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
  async join({ onBytes, signal }: Listener): Promise<string> {
    const listener: Listener = { onBytes, signal };
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
