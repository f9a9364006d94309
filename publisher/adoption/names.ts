import { posix } from 'node:path';
import { mapLimited } from '../../core/concurrency.ts';
import { isOwnFolder, OUTPUT_FORMS } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { MULTIARCH_FOLDER } from '../image/layout.ts';
import type { Child, RepositoryView } from '../publication/view.ts';
import { READS_AT_A_TIME } from '../published/find-published.ts';

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
  const top = (await view.list('')).filter(({ name }) => !isOwnFolder(name) && !name.startsWith('.'));
  const platforms = (await view.list(MULTIARCH_FOLDER)).filter(({ kind }) => kind === 'directory');
  const links = linksAmong('', top);
  let folders = [...foldersAmong('', top), ...platforms.map(({ name }) => `${MULTIARCH_FOLDER}/${name}`)];
  // Level by level, since each look is a round trip to the file system.
  while (folders.length > 0) {
    const below = await mapLimited(folders, READS_AT_A_TIME, async (folder) => {
      const children = await view.list(folder);
      for (const path of linksAmong(`${folder}/`, children)) links.push(path);
      return foldersAmong(`${folder}/`, children).filter((path) => !isStore(path));
    });
    folders = below.flat();
  }
  const targets = await mapLimited(links, READS_AT_A_TIME, async (path) => await view.readLink(path));
  return links.flatMap((path, index) => {
    const target = targets[index];
    return target === undefined ? [] : [{ path, target }];
  });
}

function linksAmong(prefix: string, children: readonly Child[]): BytePath[] {
  return children.filter(({ kind }) => kind === 'symlink').map(({ name }) => `${prefix}${name}`);
}

function foldersAmong(prefix: string, children: readonly Child[]): BytePath[] {
  return children.filter(({ kind }) => kind === 'directory').map(({ name }) => `${prefix}${name}`);
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
