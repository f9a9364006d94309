import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

const PIECE_BYTES = 64 * 1024;

/** What a tree holds: a line for each path (one character a byte), such as `file 0644 0:0 1234 2001-02-03T04:05:06Z …`. */
export type Snapshot = Map<string, string>;

export interface SnapshotOptions {
  /** Paths for which it answers true are left out, with all below them. */
  readonly ignore?: (path: string) => boolean;
  /** Modification times of directories too; those of links and devices are never compared. */
  readonly directoryTimes?: boolean;
}

/**
 * Types, modes, owners, sizes, times of files, contents and link targets of everything below `root`. Others have their
 * turn between two paths, and no file is open meanwhile: unpackd waits for whoever has one of the mount open.
 */
export async function snapshot(root: string, options: SnapshotOptions = {}): Promise<Snapshot> {
  const found: Snapshot = new Map();
  for (const path of paths(root, '', options.ignore ?? (() => false))) {
    found.set(path, describe(root, path, options));
    await turn();
  }
  return found;
}

/** Differences between two snapshots, one line each; empty where they are alike. */
export function differences(actual: Snapshot, expected: Snapshot): string[] {
  const all = [...new Set([...actual.keys(), ...expected.keys()])].sort();
  return all.flatMap((path) => {
    const [here, there] = [actual.get(path) ?? 'nothing', expected.get(path) ?? 'nothing'];
    return here === there ? [] : [`${JSON.stringify(path)}: ${here}, expected ${there}`];
  });
}

function* paths(root: string, folder: string, ignore: (path: string) => boolean): Generator<string> {
  for (const name of readdirSync(at(root, folder), 'buffer')) {
    const path = folder === '' ? name.toString('latin1') : `${folder}/${name.toString('latin1')}`;
    if (ignore(path)) continue;
    yield path;
    if (lstatSync(at(root, path), { throwIfNoEntry: false })?.isDirectory() === true)
      yield* paths(root, path, ignore);
  }
}

function describe(root: string, path: string, { directoryTimes = false }: SnapshotOptions): string {
  const found = lstatSync(at(root, path), { throwIfNoEntry: false });
  // A name that is listed and is not there: kernel overlay does so for some deletions.
  if (found === undefined) return 'missing';
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
  const owner = `${found.uid}:${found.gid}`;
  if (found.isSymbolicLink())
    return `link ${owner} -> ${readlinkSync(at(root, path), 'buffer').toString('latin1')}`;
  if (found.isDirectory()) return `directory ${mode} ${owner}${directoryTimes ? ` ${time(found)}` : ''}`;
  if (found.isFile()) return `file ${mode} ${owner} ${found.size} ${time(found)} ${digest(at(root, path))}`;
  return `special ${(found.mode & 0o170000).toString(8)} ${mode} ${owner} ${found.rdev}`;
}

function time({ mtimeMs }: Stats): string {
  return String(Math.floor(mtimeMs / 1000));
}

function digest(path: Buffer): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  const file = openOf(path);
  if (file === undefined) return 'unreadable';
  try {
    for (let size = readSync(file, piece); size > 0; size = readSync(file, piece))
      hash.update(piece.subarray(0, size));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex').slice(0, 16);
}

/** `undefined` where the owner of the file may not read it. */
function openOf(path: Buffer): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return undefined;
    throw error;
  }
}

function at(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}
