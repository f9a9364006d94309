/**
 * Loaded before the program under test (`node --import`): notes for how long its event loop was ever held up, in the file that
 * FUZZ_BEATS names, and shortens the limits of time of registries, so that slow ones cost seconds.
 */
import { openSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { DEFAULT_OPTIONS } from '../../../publisher/registry/options.ts';
import { SHORT_LIMITS } from './limits.ts';

const EVERY_MS = 100;
const WIDTH = 64;

Object.assign(DEFAULT_OPTIONS, SHORT_LIMITS);

const path = process.env['FUZZ_BEATS'];
if (isMainThread && path !== undefined) watch(openSync(path, 'w', 0o600));

function watch(file: number): void {
  let last = Date.now();
  let longestMs = 0;
  const beat = (): void => {
    const now = Date.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    writeSync(file, `${longestMs} ${now}`.padEnd(WIDTH), 0);
  };
  beat();
  setInterval(beat, EVERY_MS).unref();
  process.on('exit', beat);
}
