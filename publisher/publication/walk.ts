import { mapLimited } from '../../core/concurrency.ts';
import { joinPath, type BytePath } from '../../core/system/byte-path.ts';
import type { Child, RepositoryView } from './view.ts';

/** Each read is a round trip to the file system, which answers many at once. */
export const READS_AT_A_TIME = 32;

/**
 * Goes through folders level by level, many at a time, following no link. `visit` returns those of the `children` of
 * `folder` that are to be gone through too. The root of the repository is `''`.
 *
 * @returns false where there are more than `most` folders: it has not gone through all of them then
 */
export async function walkFolders(
  view: RepositoryView,
  root: BytePath,
  visit: (folder: BytePath, children: readonly Child[]) => readonly Child[] | Promise<readonly Child[]>,
  most = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  let count = 0;
  for (let level = [root]; level.length > 0;) {
    count += level.length;
    if (count > most) return false;
    const below = await mapLimited(level, READS_AT_A_TIME, async (folder) => {
      const further = await visit(folder, await view.list(folder));
      return further.map(({ name }) => joinPath(folder, name));
    });
    level = below.flat();
  }
  return true;
}
