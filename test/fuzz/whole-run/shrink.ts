import type { Result, WholeRuns } from './whole-run.ts';

const MOST_TRIES = 12;

const MOST_MS = 180_000;

/** The finding with as few guests as some tries and minutes lead to: each half is left out, then each guest. */
export async function shrink(runs: Pick<WholeRuns, 'run'>, found: Result): Promise<Result> {
  const endsAt = Date.now() + MOST_MS;
  let best = found;
  let tries = 0;
  for (let size = Math.ceil(best.scenario.guests.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.scenario.guests.length && tries < MOST_TRIES && Date.now() < endsAt; tries++) {
      const { seed, guests } = best.scenario;
      const fewer = await runs.run(seed, guests.toSpliced(at, size));
      if (sharesKind(fewer, found)) best = fewer;
      else at += size;
    }
  }
  return best;
}

function sharesKind(one: Result, other: Result): boolean {
  return one.violations.some(({ kind }) => other.violations.some((known) => known.kind === kind));
}
