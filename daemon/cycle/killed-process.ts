import { Failure } from '../../core/failure.ts';
import { counted } from '../../core/text.ts';
import type { Death } from '../state/state.ts';

/** After so many deaths an image is not tried again, unless it changes or somebody runs "retry". */
const MOST_DEATHS = 3;

const WORK: Readonly<Record<string, string>> = {
  looking: 'looked at',
  fetching: 'fetched and listed',
  composing: 'composed',
  publishing: 'published',
};

/** How often a process died of an image, in words. */
export function deathText({ count, stage, isAlone }: Death): string {
  const beside = isAlone ? ', and nothing else was under way' : '';
  return `unpackd was killed ${counted(count, 'time')} while it was ${WORK[stage] ?? stage}${beside}`;
}

/** Whether it is left alone as it is. */
export function isGivenUp({ count }: Death): boolean {
  return count >= MOST_DEATHS;
}

/** Why an image is not tried now. */
export function killedProcess(death: Death): Failure {
  const { image, digest } = death;
  const again = `"unpackd retry ${image}"`;
  const change = digest === undefined ? '' : ', and when its tag leads to another digest';
  return new Failure('killed-process', deathText(death), {
    hint: isGivenUp(death)
      ? `see in the journal what ended it (memory, the watchdog); it is tried again after ${again}${change}`
      : `it is tried again later, alone and after all others; or at once after ${again}`,
  });
}
