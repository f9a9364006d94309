import { setImmediate } from 'node:timers/promises';

/** The longest that work which takes its turns may keep everything else waiting. */
const SLICE_MS = 20;

let lastTurnMs = performance.now();

/** Whether timers, signals and the work for others have waited for long. */
export function isTurnDue(): boolean {
  return performance.now() - lastTurnMs >= SLICE_MS;
}

/** Lets everything else have its turn, where that is due. */
export async function takeTurns(): Promise<void> {
  if (!isTurnDue()) return;
  await setImmediate();
  lastTurnMs = performance.now();
}
