/** A registry has surely said that it has no such tag. Times are in ms since 1970. */
export interface Absence {
  /** Since then no cycle has seen the tag. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What a cycle learned of tags for sure, by public name; of all others it learned nothing. */
export interface Sightings {
  /** The registry has them, or lists them. */
  readonly seen: ReadonlySet<string>;
  /** The registry surely has them no more. */
  readonly absent: ReadonlySet<string>;
}

/** A tag that is deleted and pushed again, or a registry that was restored from a copy, has this long to come back. */
const CONFIRMED_AFTER_MS = 86_400_000;

/**
 * What is remembered of a tag after a sighting; `undefined` once it was seen. Where the clock went back, what was remembered
 * may be of a clock that was ahead: the absence begins anew then.
 */
export function recordAbsence(
  previous: Absence | undefined,
  sighting: 'seen' | 'absent',
  nowMs: number,
): Absence | undefined {
  if (sighting === 'seen') return undefined;
  if (previous === undefined || nowMs < previous.lastMs) return { firstMs: nowMs, lastMs: nowMs };
  return { firstMs: previous.firstMs, lastMs: nowMs };
}

/** Since when the tag is gone; `undefined` while its absence was not confirmed at least a day after it was first found. */
export function goneSinceMs({ firstMs, lastMs }: Absence): number | undefined {
  return lastMs - firstMs >= CONFIRMED_AFTER_MS ? firstMs : undefined;
}
