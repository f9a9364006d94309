import { interruption } from './interruption.ts';

/**
 * Calls `work` for each item, at most `limit` at a time, and gives the results in the order of the items. When one
 * call fails no further one is started, and the error is thrown after those under way have ended.
 */
export async function mapLimited<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const queue = [...items].entries();
  const results: Result[] = [];
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      try {
        results[index] = await work(item);
      } catch (error) {
        errors.push(error);
      }
      if (errors.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}

interface Waiting {
  readonly start: () => void;
}

/**
 * Lets only so many run at once for one key, such as a host, and so many altogether; the others wait. What becomes free goes
 * to the key that has the fewest, and within one key in order: whoever is slow keeps nobody else waiting for ever.
 */
export class Slots {
  readonly #limitOf: (key: string) => number;
  readonly #total: number;
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Waiting>>();
  #allRunning = 0;

  constructor(limitOf: (key: string) => number, total = Number.POSITIVE_INFINITY) {
    this.#limitOf = limitOf;
    this.#total = total;
  }

  /**
   * Waits for a slot. The function that it answers gives the slot back; calling it again does nothing.
   *
   * @throws Failure `interrupted` when `signal` is aborted before
   */
  async take(key: string, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw interruption(signal);
    if (this.#hasFree(key)) this.#count(key, 1);
    else await this.#wait(key, signal);
    let isTaken = true;
    return () => {
      if (isTaken) this.#release(key);
      isTaken = false;
    };
  }

  #hasFree(key: string): boolean {
    return this.#allRunning < this.#total && this.#runningOf(key) < this.#limitOf(key);
  }

  #runningOf(key: string): number {
    return this.#running.get(key) ?? 0;
  }

  #count(key: string, change: number): void {
    this.#allRunning += change;
    const running = this.#runningOf(key) + change;
    if (running === 0) this.#running.delete(key);
    else this.#running.set(key, running);
  }

  async #wait(key: string, signal: AbortSignal): Promise<void> {
    const queue = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, queue);
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#leave(key, waiting);
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

  #leave(key: string, waiting: Waiting): void {
    const queue = this.#waiting.get(key);
    queue?.delete(waiting);
    if (queue?.size === 0) this.#waiting.delete(key);
  }

  #release(key: string): void {
    this.#count(key, -1);
    const nextKey = this.#nextKey();
    const [next] = (nextKey !== undefined && this.#waiting.get(nextKey)) || [];
    if (nextKey === undefined || next === undefined) return;
    this.#leave(nextKey, next);
    this.#count(nextKey, 1);
    next.start();
  }

  /** Of the keys that wait, and may have one more, the one that has the fewest. */
  #nextKey(): string | undefined {
    let best: string | undefined;
    for (const key of this.#waiting.keys()) {
      if (!this.#hasFree(key)) continue;
      if (best === undefined || this.#runningOf(key) < this.#runningOf(best)) best = key;
    }
    return best;
  }
}
