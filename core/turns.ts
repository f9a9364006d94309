import { setImmediate } from 'node:timers/promises';

/**
 * Work that gives others their turn whenever it yields. What images are made of comes from strangers, so that nothing that is
 * done for each name of theirs may keep signs of life, signals and other repositories waiting.
 */
export type Sliced<T> = Generator<undefined, T, undefined>;

/** The longest that such work may keep everything else waiting. */
const SLICE_MS = 20;
/** Most steps between two looks at the clock. */
export const STEPS_IN_SLICE = 1024;

let lastTurnMs = performance.now();

/** Lets everything else have its turn, where it has waited for long. */
export async function takeTurns(): Promise<void> {
  if (performance.now() - lastTurnMs < SLICE_MS) return;
  await setImmediate();
  lastTurnMs = performance.now();
}

/** Does `work` without a pause. */
export function atOnce<T>(work: Sliced<T>): T {
  let next = work.next();
  while (next.done !== true) next = work.next();
  return next.value;
}

/** Does `work` with pauses for all that waits. */
export async function inTurns<T>(work: Sliced<T>): Promise<T> {
  let next = work.next();
  while (next.done !== true) {
    await takeTurns();
    next = work.next();
  }
  return next.value;
}

/** Most entries that are handed on at once: each step of an asynchronous iterator costs as much as making an entry. */
const ENTRIES_IN_SLICE = 256;

/** Yields `entries` in slices, in their order, and gives others their turn in between. */
export async function* inSlices<T>(entries: Iterable<T>): AsyncGenerator<readonly T[]> {
  let slice: T[] = [];
  for (const entry of entries) {
    if (slice.push(entry) < ENTRIES_IN_SLICE) continue;
    yield slice;
    slice = [];
    await takeTurns();
  }
  if (slice.length > 0) yield slice;
}

const LONGEST_MS = 50;

/** Lets timers, signals and other work run during long work. */
export class Breath {
  #lastMs = performance.now();

  /** True where it is time to {@link take} one: nothing else has run for 50 ms. */
  get isDue(): boolean {
    return performance.now() - this.#lastMs > LONGEST_MS;
  }

  async take(): Promise<void> {
    await setImmediate();
    this.#lastMs = performance.now();
  }
}
