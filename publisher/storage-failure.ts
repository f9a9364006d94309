import { codeOf, isDiskFull } from '../wishlist/error-code.ts';
import { freeBytes, roomText } from './free-space.ts';
import { Failure } from '../wishlist/failure.ts';

const UNUSABLE: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'EEXIST',
  'ENOTDIR',
  'ELOOP',
  'EIO',
]);

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
