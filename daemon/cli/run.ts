import { isFailure, type Failure } from '../../core/failure.ts';
import { contained, type Observer } from '../../publisher/image/events.ts';
import { asksForJson, buildProgram } from './command-line.ts';
import type { Invocation } from './command-line.ts';
import type { Command, ConfigurationCommand } from './command.ts';
import type { Context } from '../output/context.ts';
import { loadConfiguration, readConfiguration } from '../configuration/configuration.ts';
import type { Machine } from '../configuration/configuration.ts';
import { partsOf } from '../configuration/invalid.ts';
import { exitStatusOf } from '../output/exit-status.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import { openNotification } from '../notification/notification.ts';
import type { Configuration, Environment } from '../configuration/options.ts';
import { surviveClosedPipe, type OutputStream } from '../output/display.ts';
import { tellBug, tellEarlyEnd } from '../output/problem-text.ts';
import { createOutput } from '../output/output.ts';
import { salvageConfiguration } from '../configuration/salvage.ts';

/** What the process is given; a test gives its own. */
export interface ProcessIo {
  readonly version: string;
  readonly environment: Environment;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Aborted when the run is to end early, with a Failure `interrupted` as its reason. */
  readonly signal: AbortSignal;
  readonly machine?: Machine;
}

/** Runs unpackd with the arguments `argv` (without program names). Never throws: all that goes wrong is reported. */
export async function runUnpackd(
  argv: readonly string[],
  commands: readonly (Command | ConfigurationCommand)[],
  io: ProcessIo,
): Promise<ExitStatus> {
  surviveClosedPipe(io.stdout);
  surviveClosedPipe(io.stderr);
  const early = { ...io, json: asksForJson(argv, io.environment) };
  try {
    const parsed = buildProgram(commands, early).parse(argv);
    return typeof parsed === 'number' ? parsed : await configureAndRun(parsed, io);
  } catch (error) {
    tellBug(error, early);
    return 70;
  }
}

async function configureAndRun(
  { command, flags, arguments: values }: Invocation,
  io: ProcessIo,
): Promise<ExitStatus> {
  const { environment, machine, stdout, stderr } = io;
  const sources = { flags, environment, ...(machine && { machine }) };
  if ('inspect' in command) return await command.inspect({ arguments: values, sources, stdout, stderr });
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
      tellEarlyEnd(partsOf(error), { stdout, stderr, environment, json });
      return exitStatusOf(error);
    }
  }
  const output = createOutput({ configuration, environment, stdout, stderr });
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
  const toOutput = contained((event) => output.observe(event));
  const toFile = contained((event) => notification?.observe(event));
  const observe: Observer = (event) => {
    toOutput(event);
    toFile(event);
  };
  try {
    return await command.run({ ...made, observe, environment, signal, version, stderr });
  } finally {
    notification?.close();
  }
}
