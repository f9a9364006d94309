/** The longest that calls may keep everything else waiting, one after the other. */
const SLICE_MS = 10;
/** What takes longer was probably not in memory: or another process had the processor meanwhile, once in a while. */
const QUICK_MS = 2;
/** So many quick calls weigh as much as one that was not. */
const SLOW_WEIGHT = 8;
/** Calls that are left to threads after two slow ones: as many as are usually under way at once. */
const CAREFUL_CALLS = 32;

/**
 * Decides how a file system is asked. One that answers from memory answers a synchronous call in a few microseconds,
 * where handing the same call to a thread costs ten times that of the processor; one that has to fetch what it is asked
 * for must not keep the process waiting, and answers many threads at once.
 */
export class SyncBudget {
  readonly #now: () => number;
  #sliceStart: number | undefined;
  #turn: Promise<void> = Promise.resolve();
  #slowness = 0;
  #careful = 0;

  /** @param now in milliseconds since any time */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Asks with `quick` while that is quick, else with `patient`. Both do the same. */
  async ask<T>(quick: () => T, patient: () => Promise<T>): Promise<T> {
    while (this.#isUsedUp()) await this.#turn;
    if (this.#careful > 0) {
      this.#careful--;
      return await patient();
    }
    this.#beginSlice();
    const started = this.#now();
    try {
      return quick();
    } finally {
      this.#judge(this.#now() - started);
    }
  }

  #judge(tookMs: number): void {
    if (tookMs <= QUICK_MS) {
      this.#slowness = Math.max(0, this.#slowness - 1);
    } else if (this.#slowness > 0) {
      this.#careful = CAREFUL_CALLS;
    } else {
      this.#slowness = SLOW_WEIGHT;
    }
  }

  #isUsedUp(): boolean {
    return this.#sliceStart !== undefined && this.#now() - this.#sliceStart > SLICE_MS;
  }

  /** A slice ends when whatever else was waiting has had its turn. */
  #beginSlice(): void {
    if (this.#sliceStart !== undefined) return;
    this.#sliceStart = this.#now();
    this.#turn = new Promise((resolve) => {
      setImmediate(() => {
        this.#sliceStart = undefined;
        resolve();
      });
    });
  }
}
