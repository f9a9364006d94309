import { interruption } from './interruption.ts';

interface Waiting {
  readonly start: () => void;
}

/** Lets only so many requests run at once for one key (an origin); the others wait in order. */
export class Slots {
  readonly #limitOf: (key: string) => number;
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(limitOf: (key: string) => number) {
    this.#limitOf = limitOf;
  }

  /**
   * Waits for a slot. The function that it answers gives the slot back; calling it again does nothing.
   *
   * @throws Failure `interrupted` when `signal` is aborted before
   */
  async take(key: string, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw interruption(signal);
    const running = this.#running.get(key) ?? 0;
    if (running < this.#limitOf(key)) this.#running.set(key, running + 1);
    else await this.#wait(key, signal);
    let isTaken = true;
    return () => {
      if (isTaken) this.#release(key);
      isTaken = false;
    };
  }

  async #wait(key: string, signal: AbortSignal): Promise<void> {
    const queue = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, queue);
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        queue.delete(waiting);
        reject(interruption(signal));
      };
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal.addEventListener('abort', stop, { once: true });
      queue.add(waiting);
    });
  }

  /** Hands the slot to whoever waits longest; the number of running ones stays the same then. */
  #release(key: string): void {
    const queue = this.#waiting.get(key);
    const [next] = queue ?? [];
    if (next !== undefined) {
      queue?.delete(next);
      next.start();
      return;
    }
    this.#waiting.delete(key);
    const running = (this.#running.get(key) ?? 1) - 1;
    if (running === 0) this.#running.delete(key);
    else this.#running.set(key, running);
  }
}
