import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { hasCode } from '../../wishlist/error-code.ts';

const SLASH = Buffer.from('/');

/** Removes what is at `path`, if anything, with all below it: names are bytes, which not every Node's own removal takes. */
export function removeTree(path: Buffer): void {
  const left = [{ path, isEmptied: false }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.isEmptied) rmdirSync(next.path);
    else if (isFolder(next.path)) {
      left.push({ path: next.path, isEmptied: true });
      for (const name of readdirSync(next.path, 'buffer'))
        left.push({ path: Buffer.concat([next.path, SLASH, name]), isEmptied: false });
    } else unlinkIfThere(next.path);
  }
}

function isFolder(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Kernel overlay lists some names of deletions (0:0) that are not there when they are asked for. */
function unlinkIfThere(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}
