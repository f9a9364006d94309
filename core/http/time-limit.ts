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

/** The least that a body must bring. */
export interface ThroughputLimits {
  readonly minimumRateBytesPerSecond: number;
  /** Of waiting for the network: the average over less says nothing. */
  readonly windowMs: number;
}

/** Bytes of a window that were too few. */
export interface Drip {
  readonly bytes: number;
  readonly waitedMs: number;
}

/**
 * Finds bodies that come too slowly. Only time spent waiting for the network counts, so that a reader may be as slow as
 * it likes.
 */
export class ThroughputFloor {
  readonly #limits: ThroughputLimits;
  #bytes = 0;
  #waitedMs = 0;

  constructor(limits: ThroughputLimits) {
    this.#limits = limits;
  }

  /** Counts a piece: `bytes` came after `waitedMs` of waiting. Returns the window that shows a body to be too slow. */
  received(bytes: number, waitedMs: number): Drip | undefined {
    this.#bytes += bytes;
    this.#waitedMs += waitedMs;
    const { minimumRateBytesPerSecond, windowMs } = this.#limits;
    if (this.#waitedMs < windowMs) return undefined;
    const window = { bytes: this.#bytes, waitedMs: this.#waitedMs };
    this.#bytes = 0;
    this.#waitedMs = 0;
    return window.bytes < (minimumRateBytesPerSecond * window.waitedMs) / 1000 ? window : undefined;
  }
}
