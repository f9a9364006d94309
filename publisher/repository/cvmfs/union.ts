import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import type { Publication } from '../backend.ts';
import { pathBelow, type BytePath, type Entry } from '../entry.ts';
import { finishDirectory, keepXattrs, makeFile, makeSymbolicLink } from '../inode.ts';
import { takeTurns } from '../../turns.ts';
import { RealFolders } from '../real-folders.ts';
import { removeTree } from '../remove-tree.ts';
import type { Unkept } from '../unkept.ts';

/** What of a publication a union transaction does. */
export type UnionContent = Pick<Publication, 'deletions' | 'xattrs' | 'names' | 'outdated'>;

/**
 * Changes the union mount of an open transaction: takes away and adds what ingest cannot (extended attributes), and then
 * brings what makes the images visible, and takes away what nothing refers to any more.
 */
export async function writeUnion(mount: string, content: UnionContent, unkept: Unkept): Promise<void> {
  const folders = new RealFolders(mount);
  for (const path of content.deletions) remove(mount, path, folders);
  for await (const xattrs of content.xattrs?.() ?? []) {
    await takeTurns();
    folders.assertAbove(xattrs.path);
    keepXattrs(pathBelow(mount, xattrs.path), xattrs, unkept);
  }
  for (const entry of content.names) {
    folders.assertAbove(entry.path);
    if (entry.type === 'directory') folders.assertDown(entry.path);
    await write(mount, entry);
  }
  for (const path of content.outdated) remove(mount, path, folders);
}

function remove(mount: string, path: BytePath, folders: RealFolders): void {
  folders.assertAbove(path);
  removeTree(pathBelow(mount, path));
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
