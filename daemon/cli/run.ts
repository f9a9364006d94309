import type { Machine } from '../configuration/settings.ts';
import { surviveClosedPipe } from '../output/display.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import { type EarlyOutput, reportBug, reportEarlyEnd } from '../output/problem-text.ts';
import { jsonText } from '../output/results.ts';
import { asksForJson, parseCommandLine, type Invocation, type Usage } from './command-line.ts';
import type { AnyCommand } from './command.ts';

/** The process as unpackd sees it; a test gives its own. */
export interface ProcessIo extends Omit<EarlyOutput, 'json'> {
  readonly version: string;
  /** Aborted when the run is to end early, with a Failure `interrupted` as its reason. */
  readonly signal: AbortSignal;
  readonly machine?: Machine;
}

/** Lines longer than this are hard to read, however wide the terminal. */
const WIDEST = 120;

/** Runs unpackd with the arguments `argv` (without program names). Never throws: all that goes wrong is reported. */
export async function runUnpackd(
  argv: readonly string[],
  commands: readonly AnyCommand[],
  io: ProcessIo,
): Promise<ExitStatus> {
  const { stdout, stderr, environment, version } = io;
  surviveClosedPipe(stdout);
  surviveClosedPipe(stderr);
  const early = { stdout, stderr, environment, json: asksForJson(argv, environment) };
  try {
    const parsed = parseCommandLine(argv, commands, { columns: Math.min(WIDEST, stdout.columns ?? 80) });
    switch (parsed.kind) {
      case 'help':
        stdout.write(parsed.text);
        return 0;
      case 'version':
        stdout.write(early.json ? jsonText({ version }) : `unpackd ${version}\n`);
        return 0;
      case 'usage':
        return refused(parsed);
      case 'run':
        return await run(parsed);
    }
  } catch (error) {
    reportBug(error, early);
    return 70;
  }

  async function run({ command, flags, arguments: values }: Invocation): Promise<ExitStatus> {
    const sources = { flags, environment, ...(io.machine && { machine: io.machine }) };
    if ('inspect' in command) return await command.inspect({ arguments: values, sources, stdout, stderr });
    // Imported when there is something to run: importing modules dominates short runs.
    const { runCommand } = await import('./run-command.ts');
    return await runCommand(command, values, sources, io);
  }

  function refused({ message, hint, help }: Usage): ExitStatus {
    if (help !== undefined) stderr.write(`${help}\n`);
    reportEarlyEnd([{ code: 'usage', message, hint }], early);
    return 2;
  }
}
