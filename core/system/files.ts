import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, isSystemError } from '../system-error.ts';

/** Permissions of files that only the user of unpackd reads. */
const PRIVATE = 0o600;
const CHUNK_BYTES = 64 * 1024;

/** Writes all of `chunk` at the offset `start`, in bytes. @throws an error of the system */
export function writeAtSync(fd: number, chunk: Uint8Array, start: number): void {
  for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at, chunk.length - at, start + at);
}

/**
 * Writes the file at `path`, or replaces what is there; a link is replaced, not followed. After a crash or power cut it
 * has its old content or all of the new one. The directory must exist.
 */
export async function writeWhole(path: string, content: Content, mode = PRIVATE): Promise<void> {
  await replace(path, content, { mode, flush: true });
}

/**
 * Does the same without waiting for the disk: after a power cut the file may be cut off, or empty. For what is verified
 * whenever it is read, and made again where it is damaged.
 */
export async function writeQuickly(path: string, content: Content): Promise<void> {
  await replace(path, content, { mode: PRIVATE, flush: false });
}

type Content = string | Iterable<string | Uint8Array>;

async function replace(
  path: string,
  content: Content,
  { mode, flush }: { readonly mode: number; readonly flush: boolean },
): Promise<void> {
  const part = partOf(path);
  try {
    // Unlike a stream, which may make the file after it failed, this has closed it when it throws.
    await writeFile(part, content, { flag: 'wx', flush, mode });
    await (flush ? renameDurably : rename)(part, path);
  } catch (error) {
    // The first error says why.
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

/**
 * Does the same as {@link writeWhole}, synchronously, for a file that one process writes at a time: the next call, and
 * {@link removeWholeSync}, remove what a crash left beside it.
 */
export function writeWholeSync(path: string, content: string, mode = PRIVATE): void {
  const part = solePartOf(path);
  try {
    rmSync(part, { force: true });
    writeFileSync(part, content, { flag: 'wx', flush: true, mode });
    renameDurablySync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** Removes a file of {@link writeWholeSync}, if it is there. */
export function removeWholeSync(path: string): void {
  for (const name of [solePartOf(path), path]) rmSync(name, { force: true });
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

function solePartOf(path: string): string {
  return `${path}.part`;
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

/** The content of a file, or a problem as a predicate to its name. */
export type FileBytes = { readonly bytes: Buffer } | { readonly problem: string };

/** Reads a file of up to `limitBytes`, which may be a pipe. */
export async function readBytes(path: string, limitBytes: number): Promise<FileBytes> {
  try {
    const bytes = await readUpTo(path, limitBytes + 1);
    return bytes.length > limitBytes ? { problem: `has more than ${limitBytes} bytes` } : { bytes };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const isMissing = error.code === 'ENOENT' || error.code === 'ENOTDIR';
    return { problem: isMissing ? 'does not exist' : `cannot be read (${error.code})` };
  }
}

async function readUpTo(path: string, limitBytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; size < limitBytes;) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, limitBytes - size));
      const { bytesRead } = await file.read(chunk);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      size += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}
