import type { InspectionContext } from '../../output/context.ts';
import type { ConfigurationReading } from '../configuration.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import type { OptionValue } from '../option-values.ts';
import type { Environment } from '../options.ts';
import { problemTextFor, type ProblemText } from '../../output/problem-text.ts';
import { redact } from '../secrets.ts';
import { jsonText } from '../../output/results.ts';
import type { Finding } from './finding.ts';

interface Target extends Pick<InspectionContext, 'stdout' | 'stderr'> {
  readonly environment: Environment;
  readonly reading: ConfigurationReading;
  /** Printed where nothing is wrong. */
  readonly summary?: string | undefined;
}

/**
 * Prints what a check of the configuration found, each on a line of its own, or with `--json` as one document.
 *
 * @returns 2 where there are errors
 */
export function reportFindings(
  findings: readonly Finding[],
  { reading, environment, stdout, stderr, summary }: Target,
): ExitStatus {
  const isValid = findings.every(({ severity }) => severity === 'warning');
  const text = problemTextFor(stderr, environment);
  for (const line of findings.flatMap((finding) => linesOf(finding, text))) stderr.write(`${line}\n`);
  const file = valueOf(reading.options.get('configFile'));
  if (valueOf(reading.options.get('json')) === true) {
    stdout.write(jsonText({ file: file ?? null, valid: isValid, findings }));
  } else if (isValid && summary !== undefined) stdout.write(`${redact(summary)}\n`);
  return isValid ? 0 : 2;
}

function linesOf({ severity, message }: Finding, text: ProblemText): string[] {
  return severity === 'error'
    ? text.error({ code: 'configuration-invalid', message })
    : text.warning(message);
}

function valueOf(option: OptionValue | undefined): unknown {
  return option?.value;
}
