import { formatBytes } from '../../core/text.ts';
import { isDiskFull, isSystemError } from '../../core/system-error.ts';
import { Failure, isFailure } from '../../core/failure.ts';
import { freeBytes } from '../../core/system/free-space.ts';

/** What was to be done. */
export interface Attempted {
  /** What became of the publication. */
  readonly outcome: string;
  /** Contents of files that it would bring. */
  readonly neededBytes?: number | undefined;
}

/**
 * Gives the errors of the file system that `work` throws their meaning for the repository at `path`; `attempted` says what
 * became of the publication.
 *
 * @throws Failure `disk-full`, `repository-unusable`; failures of `work`, and what is no error of the system
 */
export async function usable<T>(path: string, attempted: Attempted, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw repositoryFailure(error, path, attempted);
  }
}

/** What an error means for the repository at `path`: the error itself where it is a failure, or none of the system. */
export function repositoryFailure(error: unknown, path: string, attempted: Attempted): unknown {
  if (isFailure(error) || !isSystemError(error)) return error;
  if (isDiskFull(error)) return repositoryFull([path], attempted, error);
  return new Failure(
    'repository-unusable',
    `${path} cannot be written: ${error.message}; ${attempted.outcome}`,
    {
      hint: 'check that the directory exists and that the user who runs unpackd may write it',
      cause: error,
    },
  );
}

/** There is no room in a repository, which takes some at `paths`. */
export function repositoryFull(
  paths: readonly string[],
  { outcome, neededBytes }: Attempted,
  cause: unknown,
): Failure {
  const free = paths.map((path) => [path, freeBytes(path)] as const);
  const places = free.map(([path, bytes]) =>
    bytes === undefined ? path : `${path} (${formatBytes(bytes)} free)`,
  );
  const needed = neededBytes === undefined || neededBytes === 0 ? '' : ` for ${formatBytes(neededBytes)}`;
  return new Failure('disk-full', `no room${needed} in ${places.join(' or ')}: ${outcome}`, {
    hint: 'make room there: it is tried again, or at once with "unpackd retry"',
    cause,
  });
}
