import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Lock } from '../../core/system/lock.ts';
import { Failure, isFailure } from '../../core/failure.ts';

/** Commands that check for a daemon hold the lock for a moment. */
const LOOKING_MS = 1000;

/**
 * Makes this process the one daemon of the state directory; the lock dies with it.
 *
 * @throws Failure `state-unusable` where another one is running, or the directory cannot be used
 */
export async function lockState(directory: string): Promise<Lock> {
  try {
    return await Lock.acquire({
      path: lockPath(directory),
      subject: `the state directory ${directory}`,
      waitMs: LOOKING_MS,
      unusable: 'state-unusable',
      notice: () => undefined,
    });
  } catch (error) {
    if (!isFailure(error, 'repository-busy')) throw error;
    throw new Failure('state-unusable', `another daemon uses this state: ${error.message}`, {
      hint: 'stop it, or give this one another --state',
      cause: error,
    });
  }
}

/** True if a daemon ever used the state directory. */
export function hadDaemon(directory: string): boolean {
  return existsSync(lockPath(directory));
}

/** True if a daemon uses the state directory now, as far as this user can see. */
export function isDaemonRunning(directory: string): boolean {
  return Lock.isHeld(lockPath(directory));
}

function lockPath(directory: string): string {
  return join(directory, 'daemon.lock');
}
