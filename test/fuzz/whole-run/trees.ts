import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { differences, snapshot, type Snapshot } from '../../support/trees/snapshot.ts';

/** Folders of trees that are named by what is in them, and so are the same in every repository. */
const FOLDERS = ['.layers', '.flat', '.chains'] as const;

/** `FOLDER/AB/ABCDEF…` of every such tree of the repository at `published`. */
export function treesIn(published: string): string[] {
  return FOLDERS.flatMap((folder) =>
    namesIn(join(published, folder)).flatMap((two) =>
      namesIn(join(published, folder, two)).map((name) => `${folder}/${two}/${name}`),
    ),
  );
}

/** Differences between the trees of two repositories that have one name; only those of `trees` where it is given. */
export async function unequalTrees(
  [one, other]: readonly [string, string],
  trees: readonly string[] = treesIn(one).filter((tree) => treesIn(other).includes(tree)),
): Promise<string[]> {
  const found: string[] = [];
  for (const tree of trees)
    for (const line of differences(await treeOf(one, tree), await treeOf(other, tree)))
      found.push(`${tree}: ${line}`);
  return found;
}

/** Beside a layer's tree stands where and when it was found: that is the first image's. */
async function treeOf(published: string, tree: string): Promise<Snapshot> {
  const ignore = (path: string): boolean => tree.startsWith('.layers/') && !/^layerfs(?:\/|$)/.test(path);
  return await snapshot(join(published, tree), { ignore });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
