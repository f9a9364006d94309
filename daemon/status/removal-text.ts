import { localTime } from '../../core/text.ts';
import { isRemovalReason, reasonText } from '../../wishlist/meaning/removal-words.ts';
import { upcoming } from '../output/format.ts';
import type { ImageSummary } from '../state/state.ts';

type Going = Pick<ImageSummary, 'unwantedSinceMs' | 'reason' | 'dueMs' | 'hold'>;

/** When the public name of an unwanted image goes, and why. */
export function goingText({ unwantedSinceMs, reason, dueMs, hold }: Going, nowMs: number): string {
  const since = unwantedSinceMs === undefined ? '' : `not wanted since ${localTime(unwantedSinceMs)}`;
  if (reason === undefined) return `${since}; stays while that is not sure`;
  const why = isRemovalReason(reason) ? reasonText(reason) : reason;
  return `${since}, as ${why}; ${whenText({ dueMs, hold }, nowMs)}`;
}

function whenText({ dueMs, hold }: Pick<Going, 'dueMs' | 'hold'>, nowMs: number): string {
  if (hold !== undefined) return `held [${hold}]`;
  if (dueMs === undefined) return 'stays for ever';
  return `its name goes ${dueMs <= nowMs ? 'with the next check' : `${upcoming(dueMs, nowMs)}, on ${localTime(dueMs)}`}`;
}

/** The next first. */
export function byDue(one: Going, other: Going): number {
  return (one.dueMs ?? Number.MAX_SAFE_INTEGER) - (other.dueMs ?? Number.MAX_SAFE_INTEGER);
}
