import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveBackFreedMemory } from '../../../core/system/malloc.ts';

// A process of its own: prints the megabytes that it has left of large blocks most of which were freed.
const MEGABYTE = 1024 * 1024;
const BLOCK_BYTES = MEGABYTE / 4;
const BLOCKS = 400;

giveBackFreedMemory();
const first = await leaveSome();
const before = process.memoryUsage.rss();
// What was freed once is what glibc would no longer call large.
const second = await leaveSome();
process.stdout.write(String(Math.round((process.memoryUsage.rss() - before) / MEGABYTE)));
assert.equal(first.length + second.length, (2 * BLOCKS) / 10);

/** Blocks of which every tenth is kept. */
async function leaveSome(): Promise<Uint8Array[]> {
  const kept = Array.from({ length: BLOCKS }, () => new Uint8Array(BLOCK_BYTES).fill(1)).filter(
    (_, index) => index % 10 === 0,
  );
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await sleep(50);
  }
  return kept;
}
