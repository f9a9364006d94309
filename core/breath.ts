import { setImmediate } from 'node:timers/promises';

const LONGEST_MS = 50;

/** Lets timers, signals and the work for others through while something goes on for long. */
export class Breath {
  #lastMs = performance.now();

  /** Whether it is time to {@link take} one: nothing else has gone on for 50 ms. */
  get isDue(): boolean {
    return performance.now() - this.#lastMs > LONGEST_MS;
  }

  async take(): Promise<void> {
    await setImmediate();
    this.#lastMs = performance.now();
  }
}
