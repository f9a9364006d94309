const DAY_MS = 86_400_000;
const MOST = 10_000;

/** Keeps a log from saying the same thing in every cycle: once a day is enough. */
export class Repetition {
  readonly #nowMs: () => number;
  /** What was said, the longest ago first, and when. */
  readonly #said = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether `text` is to be said; it counts as said then. A clock that was set back makes all new. */
  isNew(text: string): boolean {
    const nowMs = this.#nowMs();
    const saidMs = this.#said.get(text);
    if (saidMs !== undefined && nowMs >= saidMs && nowMs - saidMs < DAY_MS) return false;
    this.#said.delete(text);
    this.#said.set(text, nowMs);
    for (const [oldest] of this.#said) {
      if (this.#said.size <= MOST) break;
      this.#said.delete(oldest);
    }
    return true;
  }

  /** `text` is no longer so: it is news when it comes again. */
  forget(text: string): void {
    this.#said.delete(text);
  }
}
