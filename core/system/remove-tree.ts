import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { hasCode } from '../system-error.ts';
import { atOnce, type Sliced } from '../turns.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Removes what is at `path`, if anything, with all below it. Folders of images may belong to users of this machine, who
 * could exchange what is in them meanwhile: each is entered by its descriptor, so that no link is followed. Names are
 * bytes, which not every Node's own removal takes.
 */
export function removeTree(path: Buffer): void {
  atOnce(removingTree(path));
}

/** The same, in slices: there may be millions of files. */
export function* removingTree(path: Buffer): Sliced<void> {
  const entered = enter(path);
  if (entered === undefined) return;
  // The folders on the way down, each with what is left in it.
  const way: Entered[] = [entered];
  try {
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const name = at.names.pop();
      if (name === undefined) {
        closeSync(at.fd);
        way.pop();
        rmdirSync(at.path);
        continue;
      }
      const below = enter(Buffer.concat([Buffer.from(`/proc/self/fd/${at.fd}/`), name]));
      if (below !== undefined) way.push(below);
      yield;
    }
  } catch (error) {
    for (const { fd } of way) closeSync(fd);
    throw error;
  }
}

interface Entered {
  readonly path: Buffer;
  readonly fd: number;
  readonly names: Buffer[];
}

/** Opens a folder, and takes it from whom it belonged to; whatever else is there goes. */
function enter(path: Buffer): Entered | undefined {
  const fd = openFolder(path);
  if (fd === undefined) return undefined;
  try {
    if (process.geteuid?.() === 0) {
      fchmodSync(fd, 0o700);
      fchownSync(fd, 0, 0);
    }
    return { path, fd, names: readdirSync(`/proc/self/fd/${fd}`, 'buffer') };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Kernel overlay lists some names of deletions (0:0) that are not there when they are asked for. */
function openFolder(path: Buffer): number | undefined {
  try {
    return openSync(path, FOLDER);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (!hasCode(error, 'ENOTDIR', 'ELOOP')) throw error;
  }
  unlinkSync(path);
  return undefined;
}

/** @throws an error of the system where a folder is there */
export function unlinkIfThere(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
