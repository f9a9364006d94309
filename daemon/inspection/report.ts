import type { InspectionContext } from '../command.ts';
import type { ConfigurationReading } from '../configuration.ts';
import type { ExitStatus } from '../exit-status.ts';
import type { OptionValue } from '../option-values.ts';
import { errorLine } from '../output/format.ts';
import { redact } from '../output/redact.ts';
import { jsonText } from '../output/results.ts';
import type { Finding } from './finding.ts';

interface Target extends Pick<InspectionContext, 'stdout' | 'stderr'> {
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
  { reading, stdout, stderr, summary }: Target,
): ExitStatus {
  const isValid = findings.every(({ severity }) => severity === 'warning');
  for (const finding of findings) stderr.write(`${lineOf(finding)}\n`);
  const file = valueOf(reading.options.get('configFile'));
  if (valueOf(reading.options.get('json')) === true) {
    stdout.write(jsonText({ file: file ?? null, valid: isValid, findings }));
  } else if (isValid && summary !== undefined) stdout.write(`${redact(summary)}\n`);
  return isValid ? 0 : 2;
}

function lineOf({ severity, message }: Finding): string {
  return severity === 'error' ? errorLine('configuration-invalid', [message]) : `warning: ${redact(message)}`;
}

function valueOf(option: OptionValue | undefined): unknown {
  return option?.value;
}
