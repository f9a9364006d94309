import { Failure } from '../wishlist/failure.ts';

/** All `problems` of a configuration, each with its place, as one failure `configuration-invalid`. */
export function configurationInvalid(problems: readonly string[], hint: string): Failure {
  const count = problems.length === 1 ? '' : `${problems.length} problems: `;
  return new Failure('configuration-invalid', `${count}${problems.join('; ')}`, { hint });
}
