interface Lifetimes {
  readonly valueMs: number;
  readonly failureMs: number;
}

interface Cached<Value> {
  readonly value: Promise<Value>;
  /** On the clock `now()`; infinite while the value is pending. */
  expiresAtMs: number;
}

/** Caches values and failures by key for a limited time; concurrent requests for a key share one fetch. */
export class TtlCache<Value> {
  readonly #cached = new Map<string, Cached<Value>>();
  readonly #lifetimes: Lifetimes;
  readonly #now: () => number;

  constructor(lifetimes: Lifetimes, now: () => number = () => performance.now()) {
    this.#lifetimes = lifetimes;
    this.#now = now;
  }

  /** Returns or throws the outcome of `fetch`, now or before. */
  async getOrFetch(key: string, fetch: () => Promise<Value>): Promise<Value> {
    const earlier = this.#cached.get(key);
    if (earlier !== undefined && this.#now() < earlier.expiresAtMs) return await earlier.value;
    const cached: Cached<Value> = { value: fetch(), expiresAtMs: Infinity };
    this.#cached.set(key, cached);
    let lifetimeMs = this.#lifetimes.failureMs;
    try {
      const value = await cached.value;
      lifetimeMs = this.#lifetimes.valueMs;
      return value;
    } finally {
      cached.expiresAtMs = this.#now() + lifetimeMs;
    }
  }
}
