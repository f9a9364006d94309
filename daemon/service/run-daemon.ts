import type { Context } from '../output/context.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import { createLog } from '../systemd/log.ts';
import type { Log } from '../systemd/record.ts';
import type { Configuration } from '../configuration/options.ts';
import { Daemon, type DaemonOptions } from './daemon.ts';
import { startSchedule } from './schedule.ts';
import { ServiceManager } from '../systemd/service-manager.ts';
import { takeState } from '../cycle/workplace.ts';

const PRIORITIES: Readonly<Record<Configuration['logLevel'], number>> = {
  error: 3,
  warning: 4,
  info: 6,
  debug: 7,
};

/** Runs the daemon until a signal ends it, which is no failure. SIGHUP reads everything again. */
export async function runDaemon(
  context: Context,
  readWishlists: DaemonOptions['readWishlists'],
): Promise<ExitStatus> {
  const { configuration, environment, reconfigure, signal, stderr, version } = context;
  const log = upTo(PRIORITIES[configuration.logLevel], createLog({ environment, stderr }));
  await takeState(configuration, (message) => log.write({ priority: 5, message }));
  const manager = ServiceManager.of(environment);
  const options = { version, configuration, environment, reconfigure, readWishlists, log, manager, signal };
  const daemon = new Daemon({ ...options, startSchedule, nowMs: Date.now });
  const reload = (): void => daemon.reload();
  process.on('SIGHUP', reload);
  try {
    await daemon.run();
    return 0;
  } finally {
    process.off('SIGHUP', reload);
  }
}

function upTo(priority: number, log: Log): Log {
  return {
    write: (record) => {
      if (record.priority <= priority) log.write(record);
    },
  };
}
