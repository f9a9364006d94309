import type { NetworkError } from './fault.ts';

interface Outage {
  readonly untilMs: number;
  readonly error: NetworkError;
}

/**
 * Remembers which servers could not be reached, so that a hundred images of one dead registry do not each wait for
 * its time limits. Times are those of `performance.now()`.
 */
export class Reachability {
  readonly #memoryMs: number;
  readonly #outages = new Map<string, Outage>();
  readonly #lastAnswersMs = new Map<string, number>();

  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  /** Why `origin` was unreachable a short time ago, or `undefined`. */
  outageOf(origin: string): NetworkError | undefined {
    const outage = this.#outages.get(origin);
    if (outage === undefined || performance.now() < outage.untilMs) return outage?.error;
    this.#outages.delete(origin);
    return undefined;
  }

  /** A server answered, whatever it said. */
  answered(origin: string): void {
    this.#outages.delete(origin);
    this.#lastAnswersMs.set(origin, performance.now());
  }

  /**
   * A request that began at `beganMs` was given up. A server that answered others since is slow or choosy, not dead:
   * that is not remembered.
   */
  failed(origin: string, error: NetworkError, beganMs: number): void {
    if ((this.#lastAnswersMs.get(origin) ?? -1) >= beganMs) return;
    this.#outages.set(origin, { untilMs: performance.now() + this.#memoryMs, error });
  }
}
