/** How long what was found out counts. */
export interface Lifetimes {
  readonly answerMs: number;
  readonly failureMs: number;
}

interface Kept<Value> {
  readonly answer: Promise<Value>;
  /** Of `now()`; infinite while the answer is awaited. */
  expiresAtMs: number;
}

/** Remembers answers by their key: nothing is asked twice at the same time, nor again before its time. */
export class Answers<Value> {
  readonly #kept = new Map<string, Kept<Value>>();
  readonly #lifetimes: Lifetimes;
  readonly #now: () => number;

  constructor(lifetimes: Lifetimes, now: () => number = () => performance.now()) {
    this.#lifetimes = lifetimes;
    this.#now = now;
  }

  /** What `ask` came to, now or before; its failure too. */
  async recall(key: string, ask: () => Promise<Value>): Promise<Value> {
    const earlier = this.#kept.get(key);
    if (earlier !== undefined && this.#now() < earlier.expiresAtMs) return await earlier.answer;
    const kept: Kept<Value> = { answer: ask(), expiresAtMs: Infinity };
    this.#kept.set(key, kept);
    let lifetimeMs = this.#lifetimes.failureMs;
    try {
      const value = await kept.answer;
      lifetimeMs = this.#lifetimes.answerMs;
      return value;
    } finally {
      kept.expiresAtMs = this.#now() + lifetimeMs;
    }
  }
}
