/**
 * Loaded before the program under test (`node --import`): notes for how long its event loop was ever held up, in the file that
 * FUZZ_BEATS names, and shortens the limits of time of registries, so that slow ones cost seconds.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { DEFAULT_OPTIONS } from '../../../publisher/registry/options.ts';
import { SHORT_LIMITS } from './limits.ts';

const EVERY_MS = 100;
const WIDTH = 64;

Object.assign(DEFAULT_OPTIONS, SHORT_LIMITS);

const path = process.env['FUZZ_BEATS'];
if (isMainThread && path !== undefined) watch(openSync(path, 'w', 0o600));

function watch(file: number): void {
  let last = { atMs: Date.now(), waitedMs: waitedMs() };
  let longestMs = 0;
  const beat = (): void => {
    const now = { atMs: Date.now(), waitedMs: waitedMs() };
    const heldUpMs = now.atMs - last.atMs - (now.waitedMs - last.waitedMs);
    longestMs = Math.max(longestMs, Math.round(heldUpMs));
    last = now;
    writeSync(file, `${longestMs} ${now.atMs}`.padEnd(WIDTH), 0);
  };
  beat();
  setInterval(beat, EVERY_MS).unref();
  process.on('exit', beat);
}

/** How long the thread could have run, and others were on all processors: that is the machine's. 0 where Linux does not tell. */
function waitedMs(): number {
  try {
    const [, waitedNs = '0'] = readFileSync('/proc/self/schedstat', 'latin1').split(' ');
    return Number(waitedNs) / 1e6;
  } catch {
    return 0;
  }
}
