import type { Environment } from '../configuration/options.ts';
import type { OutputStream } from './display.ts';
import { stackText } from './format.ts';
import { problemTextFor, type ErrorText } from './problem-text.ts';
import { jsonText } from './results.ts';

export interface EarlyOutput {
  readonly environment: Environment;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Whether one document is to be on standard output, however the run ends. */
  readonly json: boolean;
}

/** Tells why a run ended before it began: each problem as a line, and with `--json` all of them as the document. */
export function tellEarlyEnd(problems: readonly ErrorText[], output: EarlyOutput): void {
  const { stdout, stderr, environment, json } = output;
  const text = problemTextFor(stderr, environment);
  for (const line of problems.flatMap((problem) => text.error(problem))) stderr.write(`${line}\n`);
  if (json) stdout.write(jsonText({ problems }));
}

/** The same for a mistake in unpackd itself, with its stack for whoever mends it. */
export function tellBug(error: unknown, output: EarlyOutput): void {
  const { message, stack = message } = error instanceof Error ? error : { message: String(error) };
  tellEarlyEnd([{ code: 'bug', message: 'this is a bug in unpackd, please report it' }], output);
  output.stderr.write(`${stackText(stack)}\n`);
}
