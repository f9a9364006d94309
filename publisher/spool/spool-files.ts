import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../core/system-error.ts';
import { lstat, readdir, rm } from 'node:fs/promises';
import { hexOf, type Digest } from '../../core/oci/digest.ts';

/** The folder of complete blobs in a spool, which are named by the digits of their digests. */
export function blobsFolder(spool: string): string {
  return join(spool, 'blobs', 'sha256');
}

/** The folder of downloads in a spool that are under way. */
export function temporaryFolder(spool: string): string {
  return join(spool, 'tmp');
}

/** Bytes that a spool takes now, also while it is in use; none where it is not there or may not be read. */
export function spoolBytes(spool: string): number {
  return bytesIn([blobsFolder(spool), temporaryFolder(spool)], () => true);
}

/** Counts the bytes in `folders` of the files that `counts` accepts by name. */
export function bytesIn(folders: readonly string[], counts: (name: string) => boolean): number {
  return folders.reduce((sum, folder) => sum + bytesInOne(folder, counts), 0);
}

function bytesInOne(folder: string, counts: (name: string) => boolean): number {
  try {
    return readdirSync(folder)
      .filter(counts)
      .reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return 0;
    throw error;
  }
}

export interface Evicted {
  readonly files: number;
  readonly bytes: number;
}

interface StoredFile {
  readonly path: string;
  readonly isHeld: boolean;
  readonly bytes: number;
  readonly changedMs: number;
}

/** Removes files of `folders`, the oldest first, until all take at most `mostBytes`. */
export async function evictOldest(
  folders: readonly string[],
  mostBytes: number,
  isHeld: (name: string) => boolean,
): Promise<Evicted> {
  const found = (await Promise.all(folders.map(async (folder) => await filesIn(folder, isHeld)))).flat();
  let total = found.reduce((sum, { bytes }) => sum + bytes, 0);
  const gone = { files: 0, bytes: 0 };
  for (const file of found.filter((one) => !one.isHeld).sort((a, b) => a.changedMs - b.changedMs)) {
    if (total <= mostBytes) break;
    await rm(file.path, { force: true });
    total -= file.bytes;
    gone.files++;
    gone.bytes += file.bytes;
  }
  return gone;
}

async function filesIn(folder: string, isHeld: (name: string) => boolean): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    try {
      const { size, mtimeMs } = await lstat(path);
      found.push({ path, isHeld: isHeld(name), bytes: size, changedMs: mtimeMs });
    } catch (error) {
      // A download of another image has just come to its end.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return found;
}

/** A part untouched for so long belongs to an image that is no longer wanted. */
const LONGEST_REST_MS = 3 * 24 * 60 * 60 * 1000;

const PART = /^[0-9a-f]{64}\.part$/;

/**
 * Names the part of a blob: by the first name that is not `taken` by others who fetch the same blob. A part with another than
 * the usual name does not outlive the process.
 */
export function partName(digest: Digest, taken: ReadonlySet<string> = new Set()): string {
  const hex = hexOf(digest);
  let name = `${hex}.part`;
  for (let number = 2; taken.has(name); number++) name = `${hex}.${number}.part`;
  return name;
}

/** True for the name of the blob `digest`, or of a part of it. */
export function isOf(name: string, digest: Digest): boolean {
  return name === hexOf(digest) || name.startsWith(`${hexOf(digest)}.`);
}

export interface Leftovers {
  readonly kept: number;
  readonly removed: number;
}

/** Removes everything in `directory` except the parts that a download can still resume. */
export async function removeLeftovers(directory: string): Promise<Leftovers> {
  const left = { kept: 0, removed: 0 };
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (await isFreshPart(name, path)) left.kept++;
    else {
      await rm(path, { recursive: true, force: true });
      left.removed++;
    }
  }
  return left;
}

async function isFreshPart(name: string, path: string): Promise<boolean> {
  if (!PART.test(name)) return false;
  const found = await lstat(path);
  return found.isFile() && Date.now() - found.mtimeMs < LONGEST_REST_MS;
}
