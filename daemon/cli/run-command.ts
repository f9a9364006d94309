import { isFailure, type Failure } from '../../core/failure.ts';
import { toAll } from '../../publisher/image/events.ts';
import {
  loadConfiguration,
  readConfiguration,
  salvageConfiguration,
} from '../configuration/configuration.ts';
import { partsOf } from '../configuration/problems.ts';
import type { Sources } from '../configuration/settings.ts';
import type { Configuration } from '../configuration/options.ts';
import { openNotification } from '../notification/notification.ts';
import type { Context } from '../output/context.ts';
import { exitStatusOf, type ExitStatus } from '../output/exit-status.ts';
import { createOutput } from '../output/output.ts';
import { reportEarlyEnd } from '../output/problem-text.ts';
import type { Command } from './command.ts';
import type { ProcessIo } from './run.ts';

/** Configures the run as the command line, the environment and the file say, and runs the command. */
export async function runCommand(
  command: Command,
  values: readonly string[],
  sources: Sources,
  io: ProcessIo,
): Promise<ExitStatus> {
  const { environment, stdout, stderr } = io;
  const load = (): Configuration => loadConfiguration(sources);
  let configuration: Configuration | undefined;
  let configurationFailure: Failure | undefined;
  try {
    configuration = load();
  } catch (error) {
    if (!isFailure(error)) throw error;
    configurationFailure = error;
    if (command.survivesBrokenFile === true) configuration = salvageConfiguration(sources);
    if (configuration === undefined) {
      const json = readConfiguration(sources).options.get('json')?.value === true;
      reportEarlyEnd(partsOf(error), { stdout, stderr, environment, json });
      return exitStatusOf(error);
    }
  }
  const output = await createOutput({ configuration, environment, stdout, stderr });
  try {
    const broken = configurationFailure && { configurationFailure };
    const made = { arguments: values, configuration, ...broken, output, reconfigure: load };
    return await runObserved(command, made, io);
  } catch (error) {
    if (isFailure(error)) output.failure(error);
    else output.bug(error);
    return isFailure(error) ? exitStatusOf(error) : 70;
  } finally {
    output.close();
  }
}

async function runObserved(
  command: Command,
  made: Omit<Context, 'observe' | 'environment' | 'signal' | 'version' | 'stderr'>,
  { environment, signal, version, stderr }: ProcessIo,
): Promise<ExitStatus> {
  const { output } = made;
  const { notificationFile: file, skipFlat } = made.configuration;
  const warn = (message: string): void => output.observe({ type: 'warning', message });
  const notification = file === undefined ? undefined : openNotification({ file, skipFlat, warn });
  const observe = toAll(output.observe, (event) => notification?.observe(event));
  try {
    return await command.run({ ...made, observe, environment, signal, version, stderr });
  } finally {
    notification?.close();
  }
}
