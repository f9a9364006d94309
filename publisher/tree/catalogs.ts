import type { BytePath } from '../repository/entry.ts';
import { joinPath } from './node.ts';

/** The marker that makes its directory the root of a nested catalog. */
export const CATALOG_MARKER = '.cvmfscatalog';

/** A catalog with fewer entries costs more than it saves; one with more is slow to load and to change. */
export const FEWEST_ENTRIES = 1_000;
export const MOST_ENTRIES = 200_000;

/** What counting needs of a directory of any kind of tree. */
interface Countable {
  readonly type: string;
  readonly children?: Iterable<readonly [name: string, node: Countable]>;
}

/**
 * The directories below the root of `tree` that need a catalog of their own, so that the root's catalog and each of
 * theirs holds at most `most` entries, and theirs at least `fewest`. The fewest and the largest subtrees are chosen. A directory
 * that alone has more than `most` direct entries cannot be divided.
 */
export function catalogFolders(tree: Countable, fewest = FEWEST_ENTRIES, most = MOST_ENTRIES): Set<BytePath> {
  const folders = new Set<BytePath>();
  countEntries(tree, '', { folders, fewest, most });
  return folders;
}

interface Division {
  readonly folders: Set<BytePath>;
  readonly fewest: number;
  readonly most: number;
}

/** Entries that the catalog above must hold for `node`, once what is too much has been divided off below it. */
function countEntries(node: Countable, path: BytePath, division: Division): number {
  if (node.children === undefined) return 1;
  let total = 1;
  const large: { path: BytePath; entries: number }[] = [];
  for (const [name, child] of node.children) {
    if (child.type !== 'directory') {
      total++;
      continue;
    }
    const at = joinPath(path, name);
    const entries = countEntries(child, at, division);
    total += entries;
    if (entries >= division.fewest) large.push({ path: at, entries });
  }
  large.sort((a, b) => b.entries - a.entries);
  for (const folder of large) {
    if (total <= division.most) break;
    division.folders.add(folder.path);
    total -= folder.entries - 1;
  }
  return total;
}
