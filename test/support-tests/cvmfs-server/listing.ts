import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';

import { hasCode } from '../../support/cvmfs-server/died.ts';

/** What tests compare of one entry; owners only as root, since a user of the double cannot give any. */
export interface Look {
  readonly type: 'directory' | 'file' | 'symlink' | 'character-device' | 'block-device' | 'fifo';
  readonly mode?: string;
  readonly owner?: string;
  readonly mtime: number;
  readonly content?: string;
  readonly target?: string;
  readonly device?: number;
}

export const IS_ROOT = process.getuid?.() === 0;

/** Everything at and below `path` of the tree `base`, by path relative to `path`; empty where there is nothing. */
export function listing(base: string, path: string): Record<string, Look> {
  const looks: Record<string, Look> = {};
  visit(`${base}/${path}`, '.', looks);
  return looks;
}

/** The paths alone. */
export function names(base: string, path: string): string[] {
  return Object.keys(listing(base, path)).toSorted();
}

export function look(base: string, path: string): Look | undefined {
  return listing(base, path)['.'];
}

function visit(absolute: string, relative: string, looks: Record<string, Look>): void {
  const bytes = Buffer.from(absolute, 'latin1');
  const stats = statIfAny(bytes);
  if (stats === undefined) return;
  looks[relative] = lookAt(bytes, stats);
  if (!stats.isDirectory()) return;
  for (const name of readdirSync(bytes, { encoding: 'latin1' })) {
    // The file that every repository begins with.
    if (name === 'new_repository') continue;
    visit(`${absolute}/${name}`, relative === '.' ? name : `${relative}/${name}`, looks);
  }
}

function lookAt(path: Buffer, stats: Stats): Look {
  const mtime = stats.mtimeMs / 1000;
  const common = {
    mtime,
    ...(IS_ROOT ? { owner: `${stats.uid}:${stats.gid}`, mode: (stats.mode & 0o7777).toString(8) } : {}),
  };
  if (stats.isDirectory()) return { type: 'directory', ...common };
  if (stats.isSymbolicLink()) {
    const { mode: _always777OnLinux, ...rest }: { mode?: string; mtime: number; owner?: string } = common;
    return { type: 'symlink', ...rest, target: readlinkSync(path, { encoding: 'latin1' }) };
  }
  if (stats.isFile()) return { type: 'file', ...common, content: readFileSync(path, 'latin1') };
  if (stats.isFIFO()) return { type: 'fifo', ...common };
  return { type: stats.isBlockDevice() ? 'block-device' : 'character-device', ...common, device: stats.rdev };
}

function statIfAny(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
