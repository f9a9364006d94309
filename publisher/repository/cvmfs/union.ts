import { lstatSync, mkdirSync } from 'node:fs';
import type { Publication } from '../../publication/backend.ts';
import { type Entry } from '../../publication/entry.ts';
import { displayPath, type BytePath } from '../../../core/system/byte-path.ts';
import { finishDirectory, keepXattrs, makeFile, makeSymbolicLink, type WriteLosses } from '../inode.ts';
import { takeTurns } from '../../../core/turns.ts';
import { RealFolders } from '../real-folders.ts';
import { removeTree, unlinkIfThere } from '../../../core/system/remove-tree.ts';

/** The part of a publication that a union transaction makes. */
export type UnionContent = Pick<Publication, 'deletions' | 'xattrs' | 'names' | 'outdated' | 'directories'>;

/**
 * Changes the union mount of an open transaction: takes away and adds what ingest cannot (extended attributes), and then
 * brings what makes the images visible, and takes away what nothing refers to any more.
 */
export async function writeUnion(mount: string, content: UnionContent, losses: WriteLosses): Promise<void> {
  const folders = new RealFolders(mount);
  try {
    for (const path of content.deletions) remove(path, folders);
    for await (const xattrs of content.xattrs?.() ?? []) {
      await takeTurns();
      keepXattrs(placeOf(xattrs.path, folders), xattrs, losses);
    }
    for (const entry of content.names) await write(entry, folders);
    for (const path of content.outdated) remove(path, folders);
    // What changes in a directory changes its time.
    for (const { path, attributes } of content.directories ?? [])
      finishDirectory(placeOf(path, folders), attributes);
  } finally {
    // Nothing is published while somebody has something of the mount open.
    folders.close();
  }
}

function remove(path: BytePath, folders: RealFolders): void {
  const place = folders.place(path);
  if (place !== undefined) removeTree(place.entry);
}

function placeOf(path: BytePath, folders: RealFolders): Buffer {
  const place = folders.place(path);
  if (place === undefined) throw new Error(`${displayPath(path)}: no such folder yet`);
  return place.entry;
}

async function write(entry: Entry, folders: RealFolders): Promise<void> {
  const at = placeOf(entry.path, folders);
  switch (entry.type) {
    case 'directory':
      folders.folderPlace(entry.path);
      if (lstatSync(at, { throwIfNoEntry: false }) === undefined) mkdirSync(at);
      finishDirectory(at, entry.attributes);
      return;
    case 'file':
      unlinkIfThere(at);
      await makeFile(at, entry, () => undefined);
      return;
    case 'symlink':
      unlinkIfThere(at);
      makeSymbolicLink(at, entry);
      return;
    default:
      throw new Error(`names are directories, files and links, not a ${entry.type}`);
  }
}
