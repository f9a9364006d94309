/**
 * Time that a request may take altogether. It runs only between `resume` and `pause`: waiting for others, such as for a
 * slot, is not the server's doing.
 */
export class TimeLimit {
  readonly limitMs: number;
  readonly #end = new AbortController();
  #leftMs: number;
  #resumedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `limitMs` is at most what a timer can hold: about 24 days. */
  constructor(limitMs: number) {
    this.limitMs = limitMs;
    this.#leftMs = limitMs;
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get isOver(): boolean {
    return this.#end.signal.aborted;
  }

  resume(): void {
    if (this.#timer !== undefined) return;
    this.#resumedAtMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#end.abort();
    }, this.#leftMs);
  }

  pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#resumedAtMs));
  }
}
