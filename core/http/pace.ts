/** The least that a body must bring. */
export interface PaceLimits {
  readonly minimumRateBytesPerSecond: number;
  /** Of waiting for the network: the average over less says nothing. */
  readonly windowMs: number;
}

/** What came within a window, where it was too little. */
export interface Drip {
  readonly bytes: number;
  readonly waitedMs: number;
}

/**
 * Tells a body that drips from a slow one. Only the time counts that was spent waiting for it, so that a reader may be
 * as slow as it likes.
 */
export class Pace {
  readonly #limits: PaceLimits;
  #bytes = 0;
  #waitedMs = 0;

  constructor(limits: PaceLimits) {
    this.#limits = limits;
  }

  /** To be called for each piece: `bytes` came after `waitedMs` of waiting. Answers what shows that the body drips. */
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
