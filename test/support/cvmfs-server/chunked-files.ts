import { chmodSync, lstatSync, readFileSync } from 'node:fs';
import type { Stats } from 'node:fs';

import { pathBuffer, type BytePath } from '../../../core/system/byte-path.ts';
import { hasCode } from './died.ts';
import { listAttributes, removeAttribute, setAttribute, storesAttributes } from './system.ts';

/** What the catalogs say of files that were published in chunks, by path. */
export interface ChunkedFiles {
  /** Published by a union transaction: their chunks are there. */
  readonly whole: Set<BytePath>;
  /** Clones of those: said to be in chunks, of which there are none. Nobody can read them. */
  readonly empty: Set<BytePath>;
}

/** From this size on the real one cuts a file in any case, with its default settings. */
const CUT_BYTES = 16 * 1024 * 1024;
const COUNTED_BYTES = 1024 * 1024;
/** What a client shows of every file, and of the root directories of catalogs. Listings do not have them. */
const MAGIC = new Set(['user.chunks', 'user.repo_counters', 'user.catalog_counters']);

/** Whether a client makes the attribute up. */
export function isMagic(attribute: string): boolean {
  return MAGIC.has(attribute);
}

/** What is at `path`, or below it, is gone, or something else. */
export function forget({ whole, empty }: ChunkedFiles, path: BytePath): void {
  for (const known of [whole, empty]) {
    for (const at of known) if (at === path || at.startsWith(`${path}/`)) known.delete(at);
  }
}

/** A hard link of an ingested stream: the flag is copied, and no chunk. */
export function clone(files: ChunkedFiles, from: BytePath, to: BytePath): void {
  if (files.whole.has(from) || files.empty.has(from)) files.empty.add(to);
}

/** A union transaction publishes in chunks what it has touched. `before` is the published tree. */
export function notePublished(files: ChunkedFiles, before: string, after: string): (path: BytePath) => void {
  return (path) => {
    const [old, now] = [before, after].map((tree) => statIfAny(`${tree}/${path}`));
    if (now === undefined || now.isDirectory()) return;
    const isLarge = now.isFile() && now.size > CUT_BYTES;
    if (!isLarge || old === undefined || isTouched(`${before}/${path}`, `${after}/${path}`, [old, now])) {
      forget(files, path);
      if (isLarge) files.whole.add(path);
      else if (now.isFile()) showWhole(pathBuffer(`${after}/${path}`), now.size);
    }
  };
}

/** Lets the tree show what a client's magic attributes show, if its file system stores any. */
export function showChunks(files: ChunkedFiles, tree: string, catalogs: readonly BytePath[]): void {
  if (!storesAttributes(pathBuffer(tree))) return;
  for (const path of files.whole) setCount(`${tree}/${path}`, 2);
  for (const path of files.empty) remove(`${tree}/${path}`, 'user.chunks');
  for (const root of ['', ...catalogs]) {
    const chunked = [...files.whole, ...files.empty].filter(
      (path) => root === '' || path.startsWith(`${root}/`),
    );
    const counters = Buffer.from(`chunked,${chunked.length}\n`);
    setAttribute(pathBuffer(`${tree}/${root}`), 'user.catalog_counters', counters);
    if (root === '') setAttribute(pathBuffer(tree), 'user.repo_counters', counters);
  }
}

/** A file that was published whole. Small ones are never asked for. */
export function showWhole(path: Buffer, sizeBytes: number): void {
  if (sizeBytes < COUNTED_BYTES || !storesAttributes(path)) return;
  writable(path, () => setAttribute(path, 'user.chunks', Buffer.from('1')));
}

function setCount(path: BytePath, chunks: number): void {
  const bytes = pathBuffer(path);
  writable(bytes, () => setAttribute(bytes, 'user.chunks', Buffer.from(String(chunks))));
}

function remove(path: BytePath, name: string): void {
  const bytes = pathBuffer(path);
  writable(bytes, () => {
    if (listAttributes(bytes).includes(name)) removeAttribute(bytes, name);
  });
}

/** An ordinary user may change attributes only of what he may write. */
function writable(path: Buffer, change: () => void): void {
  const { mode } = lstatSync(path);
  chmodSync(path, (mode & 0o7777) | 0o200);
  change();
  chmodSync(path, mode & 0o7777);
}

function isTouched(before: BytePath, after: BytePath, [old, now]: readonly (Stats | undefined)[]): boolean {
  const same =
    old?.mode === now?.mode &&
    old?.uid === now?.uid &&
    old?.gid === now?.gid &&
    old?.mtimeMs === now?.mtimeMs;
  if (!same || attributesOf(before) !== attributesOf(after)) return true;
  return !readFileSync(pathBuffer(before)).equals(readFileSync(pathBuffer(after)));
}

function attributesOf(path: BytePath): string {
  return listAttributes(pathBuffer(path))
    .filter((name) => !isMagic(name))
    .toSorted()
    .join('\0');
}

function statIfAny(path: BytePath): Stats | undefined {
  try {
    return lstatSync(pathBuffer(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
