import { asFailure, isFailure, stackOf, type Failure, type FailureCode } from '../../core/failure.ts';
import type { Observer } from './events.ts';

/**
 * Failure of an image when `error` is thrown by work on it. The one rule for all such work: the image
 * fails alone, whatever the error is, unless nothing can be published while that lasts ({@link STOPPING}): then it is
 * `undefined`, and the error is everybody's. A bug is reported with its stack.
 *
 * @param image what events call it
 */
export function ownFailure(error: unknown, image: string, observe: Observer): Failure | undefined {
  if (isFailure(error) && STOPPING.has(error.code)) return undefined;
  const failure = asFailure(error);
  if (failure.code === 'bug') observe({ type: 'bug', image, stack: stackOf(failure) });
  return failure;
}

/** Yields from `source`; errors become failures. */
export async function* ownErrors<T>(source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    throw asFailure(error);
  }
}

/** Failures that are not one image's: nothing can be published in the repository while they last. */
export const STOPPING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'repository-unusable',
  'repository-busy',
  'state-unusable',
  'interrupted',
]);

/** Failures of a registry, or of the way to it: they say nothing of the image, and end when it can be reached again. */
export const UNREACHABLE: ReadonlySet<string> = new Set<FailureCode>([
  'registry-unreachable',
  'registry-timeout',
  'dns-failed',
  'tls-failed',
]);
