import { mapLimited } from '../../core/concurrency.ts';
import { METADATA_FOLDER } from './layout.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';

/** Each is a round trip to the file system, which answers many at once. */
const READS_AT_A_TIME = 32;

/**
 * The public names of all images whose metadata has the file `file`. Level by level, since a tree of thousands of folders takes long
 * one after the other.
 */
export async function namesWith(file: string, view: RepositoryView): Promise<string[]> {
  const names: string[] = [];
  let folders: BytePath[] = [METADATA_FOLDER];
  while (folders.length > 0) {
    const below = await mapLimited(folders, READS_AT_A_TIME, async (folder) => {
      const children = await view.list(folder);
      if (children.some(({ name, kind }) => name === file && kind === 'file'))
        names.push(folder.slice(METADATA_FOLDER.length + 1));
      return children.filter(({ kind }) => kind === 'directory').map(({ name }) => `${folder}/${name}`);
    });
    folders = below.flat();
  }
  return names;
}
