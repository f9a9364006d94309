import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes that are held now, in the heap and in buffers, when all that nobody holds is gone. */
export function heldBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

setFlagsFromString('--expose-gc');
const exposed: unknown = runInNewContext('gc');

function collectGarbage(): void {
  if (typeof exposed !== 'function') throw new Error('there is no way to collect garbage');
  // What a first pass has finalized is freed by a second one.
  for (let pass = 0; pass < 2; pass++) Reflect.apply(exposed, undefined, []);
}
