import { UNREACHABLE } from '../../publisher/image/own-failure.ts';
import type { FailingImage } from './state.ts';

const MINUTE_MS = 60_000;
const SHORTEST_DELAY_MS = 5 * MINUTE_MS;
const LONGEST_DELAY_MS = 24 * 60 * MINUTE_MS;

/** Asked again, a dead registry costs few connections, however many images it has (`Reachability`). */
const LONGEST_UNREACHABLE_MS = 15 * MINUTE_MS;

/**
 * Delay before an image is tried again after its `tries`-th failure in a row: 5 minutes, doubled each time, at most a day; at
 * most a quarter of an hour if its registry cannot be reached.
 */
export function delayAfterMs(tries: number, code: string): number {
  const longestMs = UNREACHABLE.has(code) ? LONGEST_UNREACHABLE_MS : LONGEST_DELAY_MS;
  return Math.min(SHORTEST_DELAY_MS * 2 ** Math.min(tries - 1, 20), longestMs);
}

/** A clock that was set back must not hold an image back for longer than a day. */
export function isDue({ nextTryMs }: Pick<FailingImage, 'nextTryMs'>, nowMs: number): boolean {
  return nextTryMs <= nowMs || nextTryMs > nowMs + LONGEST_DELAY_MS;
}
