import { Failure } from '../../core/failure.ts';
import type { FailureText } from '../../publisher/image/events.ts';

/** A list of problems of a configuration. */
class ConfigurationFailure extends Failure {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], hint: string) {
    const count = problems.length === 1 ? '' : `${problems.length} problems: `;
    super('configuration-invalid', `${count}${problems.join('; ')}`, { hint });
    this.problems = problems;
  }
}

/** Makes one failure `configuration-invalid` of `problems`, each with its position. */
export function configurationInvalid(problems: readonly string[], hint: string): Failure {
  return new ConfigurationFailure(problems, hint);
}

/** Splits a failure into the parts to be reported one per line; the last has the hint. */
export function partsOf(failure: Failure): FailureText[] {
  if (!(failure instanceof ConfigurationFailure)) return [failure];
  const { code, hint, problems } = failure;
  return problems.map((message, index) => ({
    code,
    message,
    hint: index === problems.length - 1 ? hint : undefined,
  }));
}

/** Sorts problems by line of `file`, after those of other origins. */
export function byLine<T>(problems: readonly T[], file: string, messageOf: (problem: T) => string): T[] {
  return problems.toSorted((a, b) => lineOf(messageOf(a), file) - lineOf(messageOf(b), file));
}

function lineOf(message: string, file: string): number {
  if (!message.startsWith(`${file}:`)) return 0;
  return Number(/^\d+(?=:)/.exec(message.slice(file.length + 1))?.[0] ?? 0);
}
