import { fileURLToPath } from 'node:url';
import { measure, median } from './measure.ts';
import type { Row } from './report.ts';

const PROGRAM = fileURLToPath(new URL('plan-wishes.js', import.meta.url));
const MAXIMUM_SECONDS = 2;
const MAXIMUM_BYTES = 300e6;
const RUNS = 3;

/** What 20,000 wishes mean for 300,000 tags, and what is to be done about it: a process of its own, from its start. */
export async function benchPlanning(): Promise<Row[]> {
  const measurement = await median(RUNS, async () => await measure([process.execPath, PROGRAM]));
  const { seconds, peakBytes } = measurement;
  const isGood = seconds < MAXIMUM_SECONDS && peakBytes < MAXIMUM_BYTES;
  const aim = `aim: ${MAXIMUM_SECONDS} s and ${MAXIMUM_BYTES / 1e6} MB`;
  const note = `3 of 5 wishes are patterns, 4000 repositories; ${aim}${isGood ? '' : ', MISSED'}`;
  return [{ job: 'plan of 20000 wishes, 300000 tags', program: 'unpackd', measurement, note }];
}
