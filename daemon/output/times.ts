const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** How long something takes or took, for people: `3 d`, `5 h`, `12 min`, `40 s`. */
export function span(ms: number): string {
  const length = Math.max(0, ms);
  const [name, unit] = UNITS.find(([, one]) => length >= 2 * one) ?? ['s', 1000];
  return `${Math.round(length / unit)} ${name}`;
}

/** `12 min ago`, `in 5 h`. */
export function relative(ms: number, nowMs: number): string {
  return ms > nowMs ? `in ${span(ms - nowMs)}` : `${span(nowMs - ms)} ago`;
}

/** When something comes that may be late: `in 5 h`, `now`. */
export function upcoming(ms: number, nowMs: number): string {
  return ms > nowMs ? relative(ms, nowMs) : 'now';
}
