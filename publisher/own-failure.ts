import { Failure, isFailure } from '../wishlist/failure.ts';
import type { Observer } from './events.ts';
import { STOPPING } from './stopping.ts';

/**
 * What an image fails for when `error` is thrown while something is done about it. The one rule for all such work: the image
 * fails alone, whatever the error is, unless nothing can be published while that lasts ({@link STOPPING}): then it is
 * `undefined`, and the error is everybody's. A mistake in unpackd is told with its stack.
 *
 * @param image what events call it
 */
export function ownFailure(error: unknown, image: string, observe: Observer): Failure | undefined {
  if (isFailure(error) && STOPPING.has(error.code)) return undefined;
  const failure = asFailure(error);
  if (failure.code === 'bug') observe({ type: 'bug', image, stack: stackOf(failure.cause ?? failure) });
  return failure;
}

/** `error` as a failure, so that nobody on its way takes it for one of his own system calls. */
export function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error;
  return new Failure('bug', `something unexpected happened: ${messageOf(error)}`, {
    hint: 'please report it, with the lines of the log that say where',
    cause: error,
  });
}

/** What `source` yields; where it fails, with a failure. */
export async function* ownErrors<T>(source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    throw asFailure(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
