import { posix } from 'node:path';
import { mapLimited } from '../../core/concurrency.ts';
import { isOwnFolder, OUTPUT_FORMS } from '../../core/outputs.ts';
import { joinPath, type BytePath } from '../../core/system/byte-path.ts';
import { MULTIARCH_FOLDER } from '../image/layout.ts';
import type { Child, RepositoryView } from '../publication/view.ts';
import { READS_AT_A_TIME, walkFolders } from '../publication/walk.ts';

/** A symbolic link in a repository, outside of the folders that hold trees. */
export interface FoundLink {
  readonly path: BytePath;
  readonly target: string;
}

/**
 * All symbolic links by which users may find images: those outside unpackd's own and hidden folders, and those of further
 * platforms. None is followed.
 */
export async function findLinks(view: RepositoryView): Promise<FoundLink[]> {
  const links: BytePath[] = [];
  await walkFolders(view, '', (folder, children) => {
    const seen = folder === '' ? children.filter(mayHoldNames) : children;
    // Links among the folders of platforms are further names of these.
    if (folder !== MULTIARCH_FOLDER)
      for (const { name, kind } of seen) if (kind === 'symlink') links.push(joinPath(folder, name));
    return seen.filter(({ name, kind }) => kind === 'directory' && !isStore(joinPath(folder, name)));
  });
  const targets = await mapLimited(links, READS_AT_A_TIME, async (path) => await view.readLink(path));
  return links.flatMap((path, index) => {
    const target = targets[index];
    return target === undefined ? [] : [{ path, target }];
  });
}

function mayHoldNames({ name, kind }: Child): boolean {
  if (name === MULTIARCH_FOLDER) return kind === 'directory';
  return !isOwnFolder(name) && !name.startsWith('.');
}

/** Podman's stores of further platforms are in the folders of these. */
function isStore(path: BytePath): boolean {
  const [top, , name, ...rest] = path.split('/');
  return top === MULTIARCH_FOLDER && name === OUTPUT_FORMS.podman.folder && rest.length === 0;
}

/** Path in the repository that a relative link leads to, whether there is anything or not; `undefined`: out of it. */
export function targetWithin({ path, target }: FoundLink): BytePath | undefined {
  if (target.startsWith('/')) return undefined;
  const resolved = posix.join(posix.dirname(path), target);
  return resolved === '..' || resolved.startsWith('../') ? undefined : resolved;
}
