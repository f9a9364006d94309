import { schedule as scheduleTask } from 'node-cron';
import type { Configuration } from '../configuration/options.ts';
import { takeState } from '../cycle/publisher-pool.ts';
import type { Context } from '../output/context.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import { createLog } from '../systemd/journal.ts';
import type { Log } from '../systemd/log.ts';
import { ServiceManager } from '../systemd/service-manager.ts';
import type { Chore } from './chores.ts';
import { verifyChore } from './verify-chore.ts';
import { Daemon, type DaemonOptions } from './daemon.ts';
import { gcChore } from './gc-chore.ts';

const PRIORITIES: Readonly<Record<Configuration['logLevel'], number>> = {
  error: 3,
  warning: 4,
  info: 6,
  debug: 7,
};

/** What the daemon does beside its cycles. @internal */
export const CHORES: readonly Chore[] = [gcChore, verifyChore];

/** Runs the daemon until a signal ends it, with exit status 0. SIGHUP reloads the configuration. */
export async function runDaemon(
  context: Context,
  readWishlists: DaemonOptions['readWishlists'],
): Promise<ExitStatus> {
  const { configuration, environment, reconfigure, signal, stderr, version } = context;
  const all = createLog({ environment, stderr });
  const log: Log = {
    write: (record) => {
      if (record.priority <= PRIORITIES[configuration.logLevel]) all.write(record);
    },
  };
  await takeState(configuration, (message) => log.write({ priority: 5, message }));
  const manager = new ServiceManager(environment);
  const options = { version, configuration, environment, reconfigure, readWishlists, log, manager, signal };
  const daemon = new Daemon({ ...options, startSchedule, chores: CHORES, nowMs: Date.now });
  const reload = (): void => daemon.reload();
  process.on('SIGHUP', reload);
  try {
    await daemon.run();
    return 0;
  } finally {
    process.off('SIGHUP', reload);
  }
}

/** A running schedule. */
export interface Schedule {
  /** Time of the next call, if known. */
  readonly nextMs: () => number | undefined;
  readonly stop: () => void;
}

export interface Timing {
  /** A cron expression. */
  readonly expression: string;
  readonly timeZone: string;
  /** Maximum random delay. */
  readonly jitterMs: number;
}

export type StartSchedule = (timing: Timing, tick: () => void) => Schedule;

/** Schedules by the clock. Work that `tick` starts may still run at the next call: that is up to the caller. @internal */
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
