import { schedule as scheduleTask } from 'node-cron';

/** Calls something again and again until it is stopped. */
export interface Schedule {
  /** When it is called next, as far as is known. */
  readonly nextMs: () => number | undefined;
  readonly stop: () => void;
}

export interface Timing {
  /** A cron expression. */
  readonly expression: string;
  readonly timeZone: string;
  /** At most how much later it may be, by chance. */
  readonly jitterMs: number;
}

export type StartSchedule = (timing: Timing, tick: () => void) => Schedule;

/** Follows the clock. What `tick` starts may still run at the next time: whoever starts it sees to that. */
export const startSchedule: StartSchedule = ({ expression, timeZone: timezone, jitterMs }, tick) => {
  const task = scheduleTask(expression, tick, {
    timezone,
    maxRandomDelay: jitterMs,
    suppressMissedWarning: true,
  });
  return {
    nextMs: () => task.getNextRun()?.getTime(),
    stop: () => void task.destroy(),
  };
};
