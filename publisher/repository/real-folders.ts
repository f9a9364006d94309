import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { hasCode } from '../../core/system-error.ts';
import { Failure } from '../../core/failure.ts';
import { displayPath, pathBuffer, type BytePath } from '../../core/system/byte-path.ts';

/** open(2): nothing of the folder itself is asked for, so that one may be entered that may not be read. */
const O_PATH = 0o10_000_000;
export const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Location of an entry in a repository, which need not exist. */
export interface Place {
  /** The folder that holds it. */
  readonly folder: Buffer;
  readonly entry: Buffer;
}

/**
 * Sees to it that nothing is written through a link that somebody has put in the place of a folder since the publication
 * was planned, be it on the day after a crash, or right now: folders of images may belong to users of this machine. So
 * folders are entered one by one, and what is in them is reached by their descriptors. Must be closed.
 */
export class RealFolders {
  readonly #root: string;
  /** The root's descriptor, and those of the folders on the way to the one that was asked for last. */
  readonly #way: { readonly name: BytePath; readonly fd: number }[];

  constructor(root: string) {
    this.#root = root;
    this.#way = [{ name: '', fd: openSync(root, O_PATH | constants.O_DIRECTORY) }];
  }

  /**
   * Paths of `path` and of the folder above it, until another one is asked for; `undefined` where the folder does not exist.
   *
   * @throws Failure `repository-unusable` where a folder above `path` is something else
   */
  place(path: BytePath): Place | undefined {
    const names = path.split('/');
    const name = names.pop() ?? '';
    const folder = this.#enter(names);
    if (folder === undefined) return undefined;
    return {
      folder: Buffer.from(folder),
      entry: Buffer.concat([Buffer.from(`${folder}/`), pathBuffer(name)]),
    };
  }

  /**
   * As {@link place}, of a folder.
   *
   * @throws Failure `repository-unusable` where `path` itself is there and is something else, too
   */
  folderPlace(path: BytePath): Place | undefined {
    const place = this.place(path);
    const found = place === undefined ? undefined : lstatSync(place.entry, { throwIfNoEntry: false });
    if (found !== undefined && !found.isDirectory()) throw this.#changed(path, found.isSymbolicLink());
    return place;
  }

  close(): void {
    for (const { fd } of this.#way.splice(0)) closeSync(fd);
  }

  #enter(names: readonly BytePath[]): string | undefined {
    let depth = 0;
    while (depth < names.length && this.#way[depth + 1]?.name === names[depth]) depth++;
    for (const { fd } of this.#way.splice(depth + 1)) closeSync(fd);
    for (const name of names.slice(depth)) {
      const path = Buffer.concat([Buffer.from(`${this.#deepest}/`), pathBuffer(name)]);
      const fd = this.#open(path, names);
      if (fd === undefined) return undefined;
      this.#way.push({ name, fd });
    }
    return this.#deepest;
  }

  get #deepest(): string {
    return `/proc/self/fd/${this.#way.at(-1)?.fd}`;
  }

  #open(path: Buffer, names: readonly BytePath[]): number | undefined {
    try {
      return openSync(path, FOLDER);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      if (!hasCode(error, 'ENOTDIR', 'ELOOP')) throw error;
      const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
      throw this.#changed(names.slice(0, this.#way.length).join('/'), isLink);
    }
  }

  #changed(folder: BytePath, isLink: boolean): Failure {
    const kind = isLink ? 'symbolic link' : 'file';
    return new Failure(
      'repository-unusable',
      `${displayPath(folder)} in ${this.#root} has become a ${kind}`,
      {
        hint: 'somebody else has changed the repository: put the directory back, then run again',
      },
    );
  }
}
