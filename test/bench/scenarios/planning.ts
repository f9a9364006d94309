import { fileURLToPath } from 'node:url';
import { medianOf, type Measurement } from '../measure.ts';
import { aimNote } from '../aims.ts';
import type { Bench, Row, Scenario } from '../scenario.ts';

const PROGRAM = fileURLToPath(new URL('plan-wishes.js', import.meta.url));
const MOST_SECONDS = 2;
const MOST_MEGABYTES = 300;

/** What 20,000 wishes mean for 300,000 tags, and what is to be done about it: a process of its own, from its start. */
export const planning: Scenario = {
  name: 'planning',
  summary: 'the plan of 20,000 wishes, 3 of 5 of them patterns, for 300,000 tags of 4,000 repositories',
  run: plan,
};

async function plan({ gauge, runs }: Bench): Promise<Row[]> {
  const measurements: Measurement[] = [];
  for (let run = 0; run < runs; run++)
    measurements.push((await gauge.run({ words: [process.execPath, PROGRAM] })).measurement);
  const { seconds, peakBytes } = medianOf(measurements);
  const note = `${aimNote('seconds', seconds, MOST_SECONDS)}; ${aimNote('MB', peakBytes / 1e6, MOST_MEGABYTES)}`;
  return [{ job: 'plan of 20,000 wishes, 300,000 tags', program: 'unpackd', runs: measurements, note }];
}
