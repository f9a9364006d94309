import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.ts';
import { hasCode, isDiskFull, isSystemError } from './system-error.ts';
import { freeBytes } from './system/free-space.ts';
import { formatBytes } from './text.ts';

/** A place on disk, and the failure where it cannot be used. */
export interface StoragePlace {
  /** A file or directory; of several any may be full. */
  readonly path: string | readonly string[];
  readonly code: 'state-unusable' | 'repository-unusable';
  /** Bytes that were to be stored there. */
  readonly neededBytes?: number | undefined;
  /** State of the work after the failure, such as `nothing has changed`. */
  readonly outcome?: string | undefined;
}

const HINTS = {
  'state-unusable': {
    full: 'make room there, or choose another state directory',
    unusable: 'let the user that runs unpackd own it, or choose another state directory',
  },
  'repository-unusable': {
    full: 'make room there: it is tried again, or at once with "unpackd retry"',
    unusable: 'check that it exists and that the user that runs unpackd may write it',
  },
} as const;

/** Mistakes of our own: they say nothing about the place. */
const MISTAKES = ['EBADF', 'EFAULT'] as const;

/**
 * Runs `work`, which uses `place`.
 *
 * @throws Failure `disk-full` or the code of `place` where the system refuses something; other errors as they are
 */
export async function orUnusable<T>(place: StoragePlace, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw systemFailure(error, place);
  }
}

/** Turns an error of the system into `disk-full` or the code of `place`. Returns any other error as it is. */
export function systemFailure(error: unknown, place: StoragePlace): unknown {
  if (isDiskFull(error)) return diskFull(place, error);
  if (!isSystemError(error) || hasCode(error, ...MISTAKES)) return error;
  return unusable(place, error.message, error);
}

export function diskFull(place: StoragePlace, cause: unknown): Failure {
  const { neededBytes = 0 } = place;
  const needed = neededBytes === 0 ? '' : ` for ${formatBytes(neededBytes)}`;
  const room = pathsOf(place).map((path) => `${path}${freeText(path, cause)}`);
  const message = `no room${needed} in ${room.join(' or ')}${outcomeOf(place, ': ')}`;
  return new Failure('disk-full', message, { hint: HINTS[place.code].full, cause });
}

export function unusable(place: StoragePlace, reason: string, cause: unknown): Failure {
  const message = `${pathsOf(place).join(' or ')} cannot be used: ${reason}${outcomeOf(place, '; ')}`;
  return new Failure(place.code, message, { hint: HINTS[place.code].unusable, cause });
}

function pathsOf({ path }: StoragePlace): readonly string[] {
  return typeof path === 'string' ? [path] : path;
}

function freeText(path: string, cause: unknown): string {
  if (hasCode(cause, 'EDQUOT')) return ' (the quota is used up)';
  const bytes = freeBytes(path);
  return bytes === undefined ? '' : ` (${formatBytes(bytes)} free)`;
}

function outcomeOf({ outcome }: StoragePlace, separator: string): string {
  return outcome === undefined ? '' : `${separator}${outcome}`;
}

const PROBE = 'written to see whether that is possible\n';

/** Tries to write and read a file in `directory`: where that works, an error there concerns one file alone. */
export async function isUsable(directory: string): Promise<boolean> {
  const path = join(directory, `probe-${randomUUID()}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(path, PROBE, { flag: 'wx', flush: true, mode: 0o600 });
    return (await readFile(path, 'utf8')) === PROBE;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
