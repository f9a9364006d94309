import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { LayerEntry } from '../images/layer-entry.ts';

/** Writes what DUCC 2.12 makes of `entries` as a layer: deletions are files, owners and times are the publisher's. */
export function writeLayer(root: string, entries: readonly LayerEntry[]): void {
  mkdirSync(root, { recursive: true });
  for (const entry of entries) writeEntry(root, entry);
  writeFileSync(join(root, '.cvmfscatalog'), '');
}

/** Writes what DUCC makes of the chain below `root` and one layer more: deletions take effect. */
export function applyLayer(root: string, entries: readonly LayerEntry[]): void {
  mkdirSync(root, { recursive: true });
  for (const entry of entries) {
    if (entry.type === 'raw') continue;
    const path = join(root, entry.path.toString());
    const name = basename(path);
    if (name === '.wh..wh..opq') emptyFolder(dirname(path));
    else if (name.startsWith('.wh.'))
      rmSync(join(dirname(path), name.slice('.wh.'.length)), { recursive: true });
    else writeEntry(root, entry);
  }
}

export function copyTree(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

function emptyFolder(folder: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    rmSync(join(folder, name), { recursive: true });
}

function writeEntry(root: string, entry: LayerEntry): void {
  if (entry.type === 'raw') return;
  const path = join(root, entry.path.toString());
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (entry.type === 'directory') {
    if (found?.isDirectory() !== true) rmSync(path, { force: true });
    mkdirSync(path, { recursive: true });
    return;
  }
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  switch (entry.type) {
    case 'file':
      writeFileSync(path, entry.content, { mode: (entry.mode ?? 0o644) & 0o777 });
      return;
    case 'symlink':
      symlinkSync(entry.target.toString(), path);
      return;
    case 'link':
      linkSync(join(root, entry.target.toString()), path);
      return;
    default:
      throw new Error(`the fixture writes no ${entry.type}`);
  }
}
