import { isDiskFull } from '../../wishlist/error-code.ts';
import { Failure, isFailure } from '../../wishlist/failure.ts';

/**
 * Gives the errors of the file system that `work` throws their meaning for the repository at `path`; `outcome` says what
 * became of the publication.
 *
 * @throws Failure `disk-full`, `repository-unusable`; failures of `work`, and what is no error of the system
 */
export async function usable<T>(path: string, outcome: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw repositoryFailure(error, path, outcome);
  }
}

/** What an error means for the repository at `path`: the error itself where it is a failure, or none of the system. */
export function repositoryFailure(error: unknown, path: string, outcome: string): unknown {
  if (isFailure(error) || !(error instanceof Error) || !('code' in error)) return error;
  if (isDiskFull(error)) {
    return new Failure('disk-full', `no space is left for ${path}: ${outcome}`, {
      hint: 'free space on its file system, then run again',
      cause: error,
    });
  }
  return new Failure('repository-unusable', `${path} cannot be written: ${error.message}; ${outcome}`, {
    hint: 'check that the directory exists and that the user who runs unpackd may write it',
    cause: error,
  });
}
