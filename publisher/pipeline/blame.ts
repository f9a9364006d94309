import { Failure, isFailure } from '../../core/failure.ts';

/** Whether other images could be worked on. */
export interface Others {
  /** Whether files can be written in the state directory and in the spool, and read again. */
  readonly isStateUsable: () => Promise<boolean>;
  /** Whether the repository can be read, or written; `undefined` where that is found out in another way. */
  readonly isRepositoryUsable?: () => Promise<boolean>;
}

/** What was met with one image: it is that image's own matter where others can be worked on. */
export async function blamed(
  error: unknown,
  { isStateUsable, isRepositoryUsable }: Others,
): Promise<unknown> {
  if (isFailure(error, 'state-unusable') && (await isStateUsable()))
    return unpublishable('others can be stored, but not this image', error, STATE_HINT);
  if (isFailure(error, 'repository-unusable') && (await isRepositoryUsable?.()) === true)
    return refused(error);
  return error;
}

/** What an image fails for that the repository does not take, though it takes others. */
export function refused(error: Failure): Failure {
  return unpublishable('the repository takes others, but not this image', error, REPOSITORY_HINT);
}

const STATE_HINT = 'see whether the disk has errors, or what else changes files there';
const REPOSITORY_HINT = 'see what it has that others have not; "unpackd retry" tries it at once';

function unpublishable(why: string, cause: Failure, hint: string): Failure {
  return new Failure('image-unpublishable', `${why}: ${cause.message}`, { hint, cause });
}
