import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isDiskFull, isSystemError } from './system-error.ts';
import { freeBytes, roomText } from './system/free-space.ts';
import { Failure } from './failure.ts';

const UNUSABLE: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'EEXIST',
  'ENOTDIR',
  'ELOOP',
  'EIO',
]);

/** Whether files can be written in `directory`, and read again: then an error there is of one file alone. */
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

const PROBE = 'written to see whether that is possible\n';

/**
 * What an error of the file system means for whoever stores `neededBytes` in `directory`: `disk-full`,
 * `state-unusable`, or the error itself where it is none of the expected ones.
 */
export function storageFailure(error: unknown, directory: string, neededBytes: number): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (isDiskFull(error)) {
    const reason = code === 'EDQUOT' ? 'the quota is used up' : 'the file system is full';
    const room = roomText(neededBytes, freeBytes(directory));
    return new Failure('disk-full', `no room in ${directory}: ${[reason, room].filter(Boolean).join(', ')}`, {
      hint: 'make room there, or choose another state directory',
      cause: error,
    });
  }
  if (UNUSABLE.has(code)) {
    return new Failure('state-unusable', `the directory ${directory} cannot be used: ${code}`, {
      hint: 'check that it is a directory and that its owner runs unpackd, or choose another state directory',
      cause: error,
    });
  }
  return error;
}
