import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Spaces of the heap in which V8 keeps code. */
const CODE = /code|trusted/;

/**
 * Bytes that are held now, in the heap and in buffers, when all that nobody holds is gone. Code does not count: V8 compiles
 * the same functions again and again.
 */
export function heldBytes(): number {
  collectGarbage();
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !CODE.test(name));
  const { arrayBuffers } = process.memoryUsage();
  return spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, arrayBuffers);
}

/**
 * What a watched piece of work holds at most, beside what is held when it begins: looked at again and again while the work
 * goes on, whatever the garbage collector does meanwhile.
 */
export class HeldMeter {
  mostBytes = 0;
  readonly #before = heldBytes();
  readonly #every: number;
  #looks = 0;

  /** @param every how many calls of {@link look} lead to a measurement, which takes milliseconds; few calls lead to more */
  constructor(every: number) {
    this.#every = every;
  }

  look(): void {
    const looks = ++this.#looks;
    if (Number.isInteger(Math.log2(looks)) || looks % this.#every === 0)
      this.mostBytes = Math.max(this.mostBytes, heldBytes() - this.#before);
  }
}

/**
 * By how much a number grows from one round to the next, as a rule: the median. What leaks grows in every round; what is
 * compiled, cached or let go once counts for nothing.
 */
export function usualGrowth(values: readonly number[]): number {
  const growths = values.slice(1).map((value, index) => value - (values[index] ?? 0));
  const sorted = growths.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * Whether V8 optimizes from now on, as it does by default. While it does, what it knows about functions grows for hundreds
 * of rounds, in Node 20 among the objects.
 */
export function letOptimize(isAllowed: boolean): void {
  setFlagsFromString(isAllowed ? '--opt' : '--no-opt');
}

setFlagsFromString('--expose-gc');
const exposed: unknown = runInNewContext('gc');

function collectGarbage(): void {
  if (typeof exposed !== 'function') throw new Error('there is no way to collect garbage');
  // What a first pass has finalized is freed by a second one.
  for (let pass = 0; pass < 2; pass++) Reflect.apply(exposed, undefined, []);
}
