import { isFailure, type Failure } from '../../core/failure.ts';

const LONGEST_MS = 5_000;
const INPUTS_PER_LOOK = 2_000;
const MOST_HEAP_BYTES = 512 * 1024 * 1024;

let inputs = 0;

/**
 * Runs one input. What it throws is a finding: it takes longer than `longestMs`, or the heap keeps more and more
 * (looked at now and then, after a collection where Node lets us ask for one).
 */
export async function watched(work: () => Promise<void> | void, longestMs = LONGEST_MS): Promise<void> {
  const started = performance.now();
  await work();
  const elapsedMs = performance.now() - started;
  if (elapsedMs > longestMs) throw new Error(`one input took ${Math.round(elapsedMs)} ms`);
  inputs++;
  if (inputs % INPUTS_PER_LOOK !== 0) return;
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  if (heapUsed + arrayBuffers > MOST_HEAP_BYTES)
    throw new Error(`${heapUsed + arrayBuffers} bytes are in memory after ${inputs} inputs`);
}

/** The result of `work`, or the failure that it ended with; any other error is thrown: a finding. */
export function outcome<T>(work: () => T): T | Failure {
  try {
    return work();
  } catch (error) {
    return expectedFailure(error);
  }
}

export async function outcomeAsync<T>(work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    return expectedFailure(error);
  }
}

/** What a layer may fail with. */
function expectedFailure(error: unknown): Failure {
  if (isFailure(error, 'layer-corrupt', 'layer-refused')) return error;
  throw error;
}

/** Fails where two ways to the same thing lead to different ones; of failures only the codes count. */
export function assertSame(one: unknown, other: unknown, what: string): void {
  const [first, second] = [shown(one), shown(other)];
  if (first !== second) throw new Error(`${what}:\n${first}\n${second}`);
}

function shown(value: unknown): string {
  if (isFailure(value)) return value.code;
  return (
    JSON.stringify(value, (_, item: unknown) => {
      if (item instanceof Map) return [...item];
      if (typeof item === 'object' && item !== null && Symbol.iterator in item)
        return [...(item as Iterable<unknown>)];
      return item;
    }) ?? 'undefined'
  );
}
