import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import type { Publication } from '../backend.ts';
import { pathBelow, type Entry } from '../entry.ts';
import { finishDirectory, keepXattrs, makeFile, makeSymbolicLink } from '../inode.ts';
import { RealFolders } from '../real-folders.ts';
import type { Unkept } from '../unkept.ts';

/**
 * Changes the union mount of an open transaction: what ingest cannot carry (extended attributes), and then what makes
 * the images visible, and takes away what nothing refers to any more.
 */
export async function writeUnion(
  mount: string,
  content: Pick<Publication, 'xattrs' | 'names' | 'outdated'>,
  unkept: Unkept,
): Promise<void> {
  const folders = new RealFolders(mount);
  for (const xattrs of content.xattrs) {
    folders.assertAbove(xattrs.path);
    keepXattrs(pathBelow(mount, xattrs.path), xattrs, unkept);
  }
  for (const entry of content.names) {
    folders.assertAbove(entry.path);
    if (entry.type === 'directory') folders.assertDown(entry.path);
    await write(mount, entry);
  }
  for (const path of content.outdated) {
    folders.assertAbove(path);
    rmSync(pathBelow(mount, path), { recursive: true, force: true });
  }
}

async function write(mount: string, entry: Entry): Promise<void> {
  const at = pathBelow(mount, entry.path);
  switch (entry.type) {
    case 'directory':
      if (lstatSync(at, { throwIfNoEntry: false }) === undefined) mkdirSync(at);
      finishDirectory(at, entry.attributes);
      return;
    case 'file':
      rmSync(at, { force: true });
      await makeFile(at, entry, () => undefined);
      return;
    case 'symlink':
      rmSync(at, { force: true });
      makeSymbolicLink(at, entry);
      return;
    default:
      throw new Error(`names are directories, files and links, not a ${entry.type}`);
  }
}
