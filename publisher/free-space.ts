import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, hasCode } from '../wishlist/error-code.ts';
import { formatBytes } from '../wishlist/byte-size.ts';

/** Bytes that this user may still write on the file system of `path`, or where it would be; `undefined` where nobody can say. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bfree, bsize } = statfsSync(path);
    return bsize * (process.geteuid?.() === 0 ? bfree : bavail);
  } catch (error) {
    if (hasCode(error, 'ENOENT') && dirname(path) !== path) return freeBytes(dirname(path));
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** How much is needed and how much there is, as far as that is known: `419.5 MB are needed, 40.0 MB are free`. */
export function roomText(neededBytes: number | undefined, free: number | undefined): string {
  return [
    ...(neededBytes === undefined || neededBytes === 0 ? [] : [`${formatBytes(neededBytes)} are needed`]),
    ...(free === undefined ? [] : [`${formatBytes(free)} are free`]),
  ].join(', ');
}
