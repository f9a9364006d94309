import type { Dirent } from 'node:fs';
import { lstat, readdir, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, isSystemError } from '../system-error.ts';
import { takeTurns } from '../turns.ts';

const DAY_MS = 86_400_000;

/** What `writeWhole` leaves where it is killed. */
const PART = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;
/** Nobody writes one file for so long. */
const PARTS_KEPT_MS = DAY_MS;

/**
 * Notes that the file at `path` was used, in its time of modification, so that {@link removeUnused} keeps it: once a day,
 * since it is used often. A file that cannot be changed, or has gone, is left alone.
 */
export async function noteUse(path: string, mtimeMs: number, nowMs = Date.now()): Promise<void> {
  if (Math.abs(nowMs - mtimeMs) < DAY_MS) return;
  try {
    await utimes(path, new Date(nowMs), new Date(nowMs));
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

export interface UnusedRule {
  /** Files that were not used for so long go. */
  readonly keptMs: number;
  readonly nowMs: number;
  /** Files that may go, by name: all others stay, but for what was left half written. */
  readonly mayGo: (name: string) => boolean;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

export interface RemovedFiles {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes files in `folder`, and in the folders in it, that were not used for long, and those that were left half written.
 * Nothing is done where another process has removed something, or may not: it is tried again next time.
 */
export async function removeUnused(folder: string, rule: UnusedRule): Promise<RemovedFiles> {
  const removed = { files: 0, bytes: 0 };
  for (const child of await entriesOf(folder)) {
    if (!child.isDirectory()) await removeIfUnused(join(folder, child.name), child, rule, removed);
    else
      for (const file of await entriesOf(join(folder, child.name)))
        await removeIfUnused(join(folder, child.name, file.name), file, rule, removed);
    if (rule.signal?.aborted === true) break;
  }
  return removed;
}

async function removeIfUnused(
  path: string,
  entry: Dirent,
  { keptMs, nowMs, mayGo }: UnusedRule,
  removed: { files: number; bytes: number },
): Promise<void> {
  await takeTurns();
  const isPart = PART.test(entry.name);
  if (!entry.isFile() || !(isPart || mayGo(entry.name))) return;
  try {
    const { mtimeMs, size } = await lstat(path);
    if (nowMs - mtimeMs < (isPart ? PARTS_KEPT_MS : keptMs)) return;
    await unlink(path);
    removed.files++;
    removed.bytes += size;
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}
