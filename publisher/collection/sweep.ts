import { posix } from 'node:path';
import { displayPath, type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { recordPath, treePath } from '../image/layout.ts';
import type { Output, TreeName } from '../outputs/output.ts';
import type { DeletionRoom } from '../publication/backend.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { CollectionOptions, Finding } from './report.ts';

/** Room for what one publication takes away. */
export class Room {
  /** Something had to wait. */
  isShort = false;
  readonly #room: DeletionRoom | undefined;
  #parts: number;
  #isEmpty = true;

  constructor(
    { isDryRun, mostTrees = Infinity }: Pick<CollectionOptions, 'isDryRun' | 'mostTrees'>,
    room: DeletionRoom | undefined,
  ) {
    this.#parts = isDryRun ? Infinity : mostTrees;
    this.#room = room;
  }

  /** Takes room for a part with these paths; false where there is none. There is for the first, however long it is. */
  take(paths: readonly BytePath[]): boolean {
    if (this.isShort) return false;
    const fits = (this.#isEmpty || this.#parts >= 1) && this.#room?.take(paths) !== false;
    this.isShort = !fits;
    this.#isEmpty = false;
    this.#parts--;
    return fits;
  }
}

/** The paths of a tree and of its record. */
export function pathsOf({ kind, hex }: TreeName): BytePath[] {
  return [recordPath(kind, hex), treePath(kind, hex)];
}

/** Finds what somebody else put into the folders of trees, which stay for it. */
export class Strangers {
  readonly #view: RepositoryView;
  /** By output: what may be in such a folder, and those folders in it that are looked into. */
  readonly #known = new Map<
    string,
    { readonly paths: ReadonlySet<BytePath>; readonly opened: Set<BytePath> }
  >();

  constructor(view: RepositoryView, outputs: readonly Output[]) {
    this.#view = view;
    for (const { name, treeFolder: paths } of outputs) {
      if (paths === undefined) continue;
      const opened = new Set([...paths].map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))));
      this.#known.set(name, { paths, opened });
    }
  }

  /** One of them; `undefined`: none that can be told. */
  async in({ kind, hex }: TreeName): Promise<Finding | undefined> {
    const known = this.#known.get(kind);
    const root = treePath(kind, hex);
    for (const folder of known?.opened ?? []) {
      for (const { name } of await this.#view.list(folder === '' ? root : `${root}/${folder}`)) {
        const path = joinPath(folder, name);
        if (known?.paths.has(path) === true) continue;
        return {
          path: displayPath(joinPath(root, path)),
          why: 'somebody put it beside a tree, which stays with it',
        };
      }
    }
    return undefined;
  }
}

/**
 * The fewest paths that take away all of `paths`: a folder that has nothing else goes as a whole. One in which nothing was
 * found stays: a release manager whose mount is made anew shows folders without what is in them.
 *
 * @param entries counts the entries of the folders that may go so
 */
export function withEmptied(paths: readonly BytePath[], entries: ReadonlyMap<BytePath, number>): BytePath[] {
  const left = new Map(entries);
  const gone = new Set(paths);
  // A set that is added to goes on with what was added.
  for (const path of gone) {
    const folder = posix.dirname(path);
    const count = left.get(folder);
    if (count === undefined) continue;
    left.set(folder, count - 1);
    if (count === 1) gone.add(folder);
  }
  return [...gone].filter((path) => !gone.has(posix.dirname(path)));
}
