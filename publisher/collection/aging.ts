import type { Mark, Marks } from '../published/marks.ts';
import type { CollectionOptions } from './report.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The longest that no collection may have looked at marks for them to count: one a week is enough. */
const LONGEST_PAUSE_MS = 8 * DAY_MS;
/** Clocks of machines that take turns may differ by so much. */
const CLOCK_DIFFERENCE_MS = 60 * 60 * 1000;

/**
 * Why the marks do not count now; `undefined`: they do. A clock that was set wrong makes them older than they are, and
 * shows by a long time since the last collection in which nobody looked at it, or by a collection that is yet to come: then
 * somebody has to say that it is right.
 */
export function clockDoubt(
  marks: Marks | undefined,
  {
    nowMs,
    clockSinceMs = nowMs,
    isClockConfirmed = false,
  }: Pick<CollectionOptions, 'nowMs' | 'clockSinceMs' | 'isClockConfirmed'>,
): string | undefined {
  if (marks === undefined || marks.trees.size === 0 || isClockConfirmed) return undefined;
  const last = new Date(marks.at).toISOString();
  if (Math.min(nowMs, clockSinceMs) - marks.at > LONGEST_PAUSE_MS)
    return `the last collection was on ${last}, more than 8 days ago, or the clock is wrong`;
  return isAhead(marks, nowMs)
    ? `the last collection was on ${last}, which is yet to come: the clock is wrong, or was`
    : undefined;
}

function isAhead({ at }: Marks, nowMs: number): boolean {
  return nowMs + CLOCK_DIFFERENCE_MS < at;
}

/** Marks as they are to be. */
export interface Aged {
  readonly marks: ReadonlyMap<string, Mark>;
  /** Names that were not marked before. */
  readonly fresh: readonly string[];
  /** Names that were, and are referred to again. */
  readonly lifted: readonly string[];
  /** Names that have been marked for longer than the grace period. */
  readonly due: ReadonlySet<string>;
}

/** Marks what nothing refers to now: for as long as it has been marked already, and from now on otherwise. */
export function age(
  unreferenced: Iterable<string>,
  before: Marks | undefined,
  {
    nowMs,
    graceMs,
    revision,
  }: Pick<CollectionOptions, 'nowMs' | 'graceMs'> & { revision: number | undefined },
): Aged {
  const marks = new Map<string, Mark>();
  const fresh: string[] = [];
  const due = new Set<string>();
  for (const name of unreferenced) {
    const known = before?.trees.get(name);
    if (known === undefined) fresh.push(name);
    // A time that is yet to come was taken from a clock that was wrong.
    const mark =
      known === undefined || known.since > nowMs ? { since: nowMs, revision: revision ?? null } : known;
    marks.set(name, mark);
    if (isDue(mark, { nowMs, graceMs })) due.add(name);
  }
  const lifted = [...(before?.trees.keys() ?? [])].filter((name) => !marks.has(name));
  return { marks, fresh, lifted, due };
}

function isDue({ since }: Mark, { nowMs, graceMs }: Pick<CollectionOptions, 'nowMs' | 'graceMs'>): boolean {
  return nowMs - since >= graceMs;
}

/** Reports whether the published marks must be written again, though none is new or lifted, for {@link clockDoubt}. */
export function isOld(marks: Marks, nowMs: number): boolean {
  return marks.trees.size > 0 && (nowMs - marks.at > DAY_MS || isAhead(marks, nowMs));
}
