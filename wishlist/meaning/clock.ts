/** What a clock shows, and whether it can be believed. */
export interface Clock {
  readonly nowMs: number;
  /** The latest time that it ever showed, as far as that can be believed; never before. */
  readonly latestMs: number;
  /** `undefined` while it can be believed; otherwise what it showed before. */
  readonly believedMs: number | undefined;
}

/** A clock further from what it showed last is not believed. */
const JUMP_MS = 7 * 86_400_000;

/** Returns whether a clock that showed `lastMs` may show `nowMs`, without anybody looking in between for that long. */
export function isClockBelieved(nowMs: number, lastMs: number | undefined): boolean {
  return lastMs === undefined || Math.abs(nowMs - lastMs) <= JUMP_MS;
}

/** @param lastMs what it showed when it was last believed; `undefined` where nobody knows */
export function readClock(nowMs: number, lastMs: number | undefined): Clock {
  const believedMs = isClockBelieved(nowMs, lastMs) ? undefined : lastMs;
  return { nowMs, latestMs: Math.max(nowMs, lastMs ?? nowMs), believedMs };
}
