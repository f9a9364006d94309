import { Failure } from '../../core/failure.ts';
import type { FailureText } from '../../publisher/image/events.ts';

/** Several things that are wrong with a configuration. */
class ConfigurationFailure extends Failure {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], hint: string) {
    const count = problems.length === 1 ? '' : `${problems.length} problems: `;
    super('configuration-invalid', `${count}${problems.join('; ')}`, { hint });
    this.problems = problems;
  }
}

/** All `problems` of a configuration, each with its place, as one failure `configuration-invalid`. */
export function configurationInvalid(problems: readonly string[], hint: string): Failure {
  return new ConfigurationFailure(problems, hint);
}

/** What is to be told of a failure, each on a line of its own; the hint goes with the last. */
export function partsOf(failure: Failure): FailureText[] {
  if (!(failure instanceof ConfigurationFailure)) return [failure];
  const { code, hint, problems } = failure;
  return problems.map((message, index) => ({
    code,
    message,
    hint: index === problems.length - 1 ? hint : undefined,
  }));
}

/** Problems in the order of the lines of `file`, behind those of other places. */
export function byLine<T>(problems: readonly T[], file: string, messageOf: (problem: T) => string): T[] {
  return problems.toSorted((a, b) => lineOf(messageOf(a), file) - lineOf(messageOf(b), file));
}

function lineOf(message: string, file: string): number {
  if (!message.startsWith(`${file}:`)) return 0;
  return Number(/^\d+(?=:)/.exec(message.slice(file.length + 1))?.[0] ?? 0);
}
