import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { STEPS_IN_SLICE, type Sliced } from '../../core/turns.ts';

/** The marker that makes its directory the root of a nested catalog. */
export const CATALOG_MARKER = '.cvmfscatalog';

/** A catalog with fewer entries costs more than it saves; one with more is slow to load and to change. @internal */
export const FEWEST_ENTRIES = 1_000;
/** @internal */
export const MOST_ENTRIES = 200_000;

/** Any kind of tree, as far as counting needs it. */
interface Countable {
  readonly type: string;
  readonly children?: Iterable<readonly [name: string, node: Countable]>;
}

/**
 * The directories below the root of `tree` that need a catalog of their own, so that the root's catalog and each of
 * theirs holds at most `most` entries, and theirs at least `fewest`. The fewest and the largest subtrees are chosen. A directory
 * that alone has more than `most` direct entries cannot be divided.
 */
export function* catalogFolders(
  tree: Countable,
  fewest = FEWEST_ENTRIES,
  most = MOST_ENTRIES,
): Sliced<Set<BytePath>> {
  const folders = new Set<BytePath>();
  yield* countEntries(tree, { folders, fewest, most });
  return folders;
}

interface Division {
  readonly folders: Set<BytePath>;
  readonly fewest: number;
  readonly most: number;
}

/** A directory whose entries are counted. */
interface Counting {
  readonly path: BytePath;
  readonly rest: Iterator<readonly [name: string, node: Countable]>;
  /** Entries that the catalog above must hold, once what is too much has been divided off below it. */
  entries: number;
  /** Directories below it that are worth a catalog. */
  readonly large: { readonly path: BytePath; readonly entries: number }[];
}

function* countEntries(root: Countable, division: Division): Sliced<void> {
  const open = [counting('', root)];
  let visited = 0;
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    if (++visited % STEPS_IN_SLICE === 0) yield;
    const next = last.rest.next();
    if (next.done !== true) {
      const [name, node] = next.value;
      if (node.type === 'directory') open.push(counting(joinPath(last.path, name), node));
      else last.entries++;
      continue;
    }
    open.pop();
    divide(last, division);
    const above = open.at(-1);
    if (above === undefined) return;
    above.entries += last.entries;
    if (last.entries >= division.fewest) above.large.push(last);
  }
}

function counting(path: BytePath, { children = [] }: Countable): Counting {
  return { path, rest: children[Symbol.iterator](), entries: 1, large: [] };
}

function divide(counted: Counting, { folders, most }: Division): void {
  counted.large.sort((a, b) => b.entries - a.entries);
  for (const folder of counted.large) {
    if (counted.entries <= most) break;
    folders.add(folder.path);
    counted.entries -= folder.entries - 1;
  }
}
