import { randomUUID } from 'node:crypto';
import {
  closeSync,
  createWriteStream,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../system-error.ts';

/** Permissions of files that only the user of unpackd reads. */
const PRIVATE = 0o600;

/**
 * Writes the file at `path`, or replaces what is there; a link is replaced, not followed. After a crash or power cut it
 * has its old content or all of the new one. The directory must exist.
 */
export async function writeWhole(
  path: string,
  content: string | Iterable<string>,
  mode = PRIVATE,
): Promise<void> {
  const part = partOf(path);
  try {
    const chunks = typeof content === 'string' ? [content] : content;
    await pipeline(chunks, createWriteStream(part, { flags: 'wx', flush: true, mode }));
    await renameDurably(part, path);
  } catch (error) {
    // The first error says why.
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Does the same as {@link writeWhole}, synchronously. */
export function writeWholeSync(path: string, content: string, mode = PRIVATE): void {
  const part = partOf(path);
  try {
    writeFileSync(part, content, { flag: 'wx', flush: true, mode });
    renameDurablySync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** Moves a file within its directory; a name lasts through a power cut only once its directory is on disk. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Does the same as {@link renameDurably}, synchronously. */
export function renameDurablySync(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

/** Returns when the names in the directory `path` are on disk. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Two processes may write the same file at the same time. */
function partOf(path: string): string {
  return `${path}.${randomUUID()}.part`;
}

/** Reads the file at `path`; `undefined` where there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Does the same as {@link readIfThere}, synchronously. */
export function readIfThereSync(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
