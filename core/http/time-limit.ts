import { anySignal } from '../interruption.ts';

/**
 * Time that a request may take altogether. It runs only between `resume` and `pause`: waiting for others, such as for a
 * slot, is not the server's doing.
 */
export class TimeLimit {
  readonly limitMs: number;
  /** Of all that the request is a part of, such as the pages of one list. It runs whenever one of its parts does. */
  readonly whole: TimeLimit | undefined;
  readonly #end = new AbortController();
  #leftMs: number;
  #resumedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `limitMs` is at most what a timer can hold: about 24 days. */
  constructor(limitMs: number, whole?: TimeLimit) {
    this.limitMs = limitMs;
    this.whole = whole;
    this.#leftMs = limitMs;
  }

  /** Aborted when the time is over, or that of the whole. */
  get signal(): AbortSignal {
    return this.whole === undefined ? this.#end.signal : anySignal(this.#end.signal, this.whole.signal);
  }

  get isOver(): boolean {
    return this.#end.signal.aborted || this.whole?.isOver === true;
  }

  resume(): void {
    this.whole?.resume();
    if (this.#timer !== undefined) return;
    this.#resumedAtMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#end.abort();
    }, this.#leftMs);
  }

  pause(): void {
    this.whole?.pause();
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#resumedAtMs));
  }
}
