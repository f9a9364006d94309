import { isOwnFolder, OWN_FOLDERS } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { METADATA_FOLDER, MULTIARCH_FOLDER } from '../image/layout.ts';
import type { RepositoryView } from '../publication/view.ts';

/**
 * `paths`, which are to go, with a folder in the place of all that it holds: empty folders of images would stay for ever. A
 * folder that holds anything else stays, and so do those that are not for names of images. Metadata come last, so that no
 * public name is without them.
 */
export async function withFolders(view: RepositoryView, paths: Iterable<BytePath>): Promise<BytePath[]> {
  const gone = new Set(paths);
  let folders = foldersOf(gone);
  // Bounded: by the depth of the paths.
  while (folders.size > 0) {
    const emptied = new Set<BytePath>();
    for (const folder of folders) {
      const children = (await view.list(folder)).map(({ name }) => `${folder}/${name}`);
      // A release manager whose mount is made anew shows folders without what is in them.
      if (children.length === 0 || !children.every((child) => gone.has(child))) continue;
      for (const child of children) gone.delete(child);
      gone.add(folder);
      emptied.add(folder);
    }
    folders = foldersOf(emptied);
  }
  const [metadata, others] = [true, false].map((isWanted) =>
    [...gone].filter((path) => path.startsWith(`${METADATA_FOLDER}/`) === isWanted),
  );
  return [...(others ?? []), ...(metadata ?? [])];
}

/** The folders of `paths` that may go. */
function foldersOf(paths: ReadonlySet<BytePath>): Set<BytePath> {
  const folders = new Set<BytePath>();
  for (const path of paths) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (isOfNames(folder)) folders.add(folder);
  }
  return folders;
}

/** Reports whether `folder` is there for nothing but names. Those of platforms stay, since further names lead to them. */
function isOfNames(folder: BytePath): boolean {
  const names = folder.split('/');
  if (names[0] === METADATA_FOLDER) names.shift();
  if (names[0] === MULTIARCH_FOLDER) names.splice(0, 2);
  if (names[0] === OWN_FOLDERS.records && names[1] === 'removed') names.splice(0, 2);
  const [first = ''] = names;
  return first !== '' && !isOwnFolder(first);
}
