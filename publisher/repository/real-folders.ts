import { lstatSync } from 'node:fs';
import { Failure } from '../../wishlist/failure.ts';
import { displayPath, pathBelow, type BytePath } from './entry.ts';

/**
 * Sees to it that nothing is written through a link that somebody has put in the place of a folder since the publication
 * was planned, be it on the day after a crash.
 */
export class RealFolders {
  readonly #root: string;
  readonly #known = new Set<BytePath>(['']);

  constructor(root: string) {
    this.#root = root;
  }

  /** @throws Failure `repository-unusable` where a folder above `path` is there and is something else */
  assertAbove(path: BytePath): void {
    const slash = path.lastIndexOf('/');
    if (slash !== -1) this.#assert(path.slice(0, slash));
  }

  /** As {@link assertAbove}, with `path` itself. */
  assertDown(path: BytePath): void {
    this.assertAbove(path);
    this.#assertItself(path);
  }

  #assert(folder: BytePath): void {
    if (this.#known.has(folder)) return;
    this.assertAbove(folder);
    if (this.#assertItself(folder)) this.#known.add(folder);
  }

  /** Whether it is there. */
  #assertItself(folder: BytePath): boolean {
    const found = lstatSync(pathBelow(this.#root, folder), { throwIfNoEntry: false });
    if (found === undefined || found.isDirectory()) return found !== undefined;
    const kind = found.isSymbolicLink() ? 'symbolic link' : 'file';
    throw new Failure('repository-unusable', `${displayPath(folder)} in ${this.#root} has become a ${kind}`, {
      hint: 'somebody else has changed the repository: put the directory back, then run again',
    });
  }
}
