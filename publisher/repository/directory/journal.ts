import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../../core/failure.ts';
import { displayPath, pathBelow } from '../../../core/system/byte-path.ts';
import { finishDirectory } from '../inode.ts';
import { syncFileSystem } from '../../../core/system/libc.ts';
import { RealFolders } from '../real-folders.ts';
import { removingTree } from '../../../core/system/remove-tree.ts';
import { inTurns, type Sliced } from '../../../core/turns.ts';
import { renameDurablySync, syncFolder, readIfThereSync } from '../../../core/system/files.ts';

const OWNER_BITS = 0o700;
const ALL_BITS = 0o7777;

const AttributesOf = z.object({ mode: z.number(), uid: z.number(), gid: z.number(), mtime: z.number() });

const Change = z.discriminatedUnion('kind', [
  /** Move away what is published at `path`. */
  z.object({ kind: z.literal('remove'), path: z.string() }),
  /** Move what is staged at `path` to its place; attributes are those of a directory, set afterwards. */
  z.object({ kind: z.literal('place'), path: z.string(), attributes: AttributesOf.optional() }),
  /** Give the published directory at `path` other attributes. */
  z.object({ kind: z.literal('attributes'), path: z.string(), attributes: AttributesOf }),
]);

/** Step of a commit. Each can be repeated when it was interrupted, or was done already. */
export type Change = z.infer<typeof Change>;

const Journal = z.object({ format: z.literal(1), changes: z.array(Change) });

/** Working files of a repository: beside it, on the same file system. */
export interface WorkingPaths {
  readonly repository: string;
  /** Holds everything below. */
  readonly control: string;
  readonly staging: string;
  /** Folder in which the file system's capabilities are tried. */
  readonly probe: string;
  /** Entries that changes have moved away. */
  readonly discarded: string;
  readonly journal: string;
  readonly lock: string;
}

export function workingPaths(root: string, name: string): WorkingPaths {
  const control = join(root, `.unpackd-${name}`);
  return {
    repository: join(root, name),
    control,
    staging: join(control, 'staging'),
    probe: join(control, 'probe'),
    discarded: join(control, 'discarded'),
    journal: join(control, 'journal.json'),
    lock: join(control, 'lock'),
  };
}

/** Returns true where unpackd has published into the repository before: then it is not somebody else's folder. */
export function isPublishedInto(root: string, name: string): boolean {
  const { repository, control } = workingPaths(root, name);
  return existsSync(repository) && existsSync(control);
}

/** Writes down what is to be done. It counts from {@link commit} on. */
export function draftJournal(paths: WorkingPaths, changes: readonly Change[]): void {
  const text = JSON.stringify({ format: 1, changes });
  writeFileSync(draftOf(paths), text, { flush: true, flag: 'wx', mode: 0o600 });
}

/**
 * The moment of the commit: once the journal has its name, the publication will be complete, by this process or by the
 * next one that opens the repository.
 */
export function commit(paths: WorkingPaths): void {
  renameDurablySync(draftOf(paths), paths.journal);
}

/** Carries out the journal's changes, as often as it takes. Nothing is done where there is none; true: there was one. */
export async function applyJournal(paths: WorkingPaths): Promise<boolean> {
  const journal = readJournal(paths.journal);
  if (journal === undefined) return false;
  mkdirSync(paths.discarded, { recursive: true, mode: 0o700 });
  const folders = new RealFolders(paths.repository);
  try {
    journal.changes.forEach((change, index) => apply(paths, change, { index, folders }));
  } finally {
    folders.close();
  }
  await syncFileSystemOf(paths.repository);
  rmSync(paths.journal);
  syncFolder(paths.control);
  return true;
}

/** Removes what an earlier publication staged, wrote down or moved away. There must be no journal. */
export async function discardWorkingFiles(paths: WorkingPaths): Promise<void> {
  rmSync(draftOf(paths), { force: true });
  for (const folder of [paths.staging, paths.discarded, paths.probe])
    await inTurns(removingWorkingFolder(folder));
}

/** Returns when everything that was written to the file system of `folder` is on its disk. */
export async function syncFileSystemOf(folder: string): Promise<void> {
  const fd = openSync(folder, 'r');
  try {
    await syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}

function draftOf({ journal }: WorkingPaths): string {
  return `${journal}.part`;
}

/** Folders of an image may forbid their owner to empty them. */
function* removingWorkingFolder(folder: string): Sliced<void> {
  if (process.getuid?.() !== 0) yield* makingWritable(Buffer.from(folder));
  yield* removingTree(Buffer.from(folder));
}

/** Bounded: paths have a limit of the system's. */
function* makingWritable(path: Buffer): Sliced<void> {
  yield;
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, 'buffer'))
    yield* makingWritable(Buffer.concat([path, Buffer.from('/'), name]));
}

function apply(
  paths: WorkingPaths,
  change: Change,
  { index, folders }: { index: number; folders: RealFolders },
): void {
  switch (change.kind) {
    case 'remove': {
      const place = folders.place(change.path);
      if (place === undefined) return;
      allowChanges(place.folder);
      if (isFolder(place.entry)) allowChanges(place.entry);
      moveIfThere(place.entry, pathBelow(paths.discarded, String(index)));
      return;
    }
    case 'place': {
      const { folder, entry } = folders.place(change.path) ?? gone(paths, change.path);
      allowChanges(folder);
      moveIfThere(pathBelow(paths.staging, change.path), entry);
      if (change.attributes === undefined) return;
      folders.folderPlace(change.path);
      finishDirectory(entry, change.attributes);
      return;
    }
    case 'attributes': {
      const { entry } = folders.folderPlace(change.path) ?? gone(paths, change.path);
      finishDirectory(entry, change.attributes);
      return;
    }
  }
}

function gone({ repository }: WorkingPaths, path: string): never {
  throw new Failure('repository-unusable', `the folder of ${displayPath(path)} in ${repository} is gone`, {
    hint: 'somebody else has changed the repository: put the directory back, then run again',
  });
}

function isFolder(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A rename that was done before an interruption finds nothing to move. */
function moveIfThere(from: Buffer, to: Buffer): void {
  if (lstatSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
}

function readJournal(path: string): z.infer<typeof Journal> | undefined {
  const text = readIfThereSync(path);
  if (text === undefined) return undefined;
  try {
    return Journal.parse(JSON.parse(text.toString()));
  } catch (error) {
    throw new Failure(
      'repository-unusable',
      `the journal ${path} of an interrupted publication cannot be read`,
      {
        hint: 'if no other version of unpackd wrote it, move it away: the publication is then lost, and made again',
        cause: error,
      },
    );
  }
}

/**
 * Lets its owner change a folder of an image that forbids it, as root may anyway: what he moves, and where, must be
 * writable. The folder's attributes come at the end of the journal, since the stream names every folder of a tree.
 */
function allowChanges(path: Buffer): void {
  if (process.getuid?.() === 0) return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true || (found.mode & OWNER_BITS) === OWNER_BITS) return;
  chmodSync(path, (found.mode & ALL_BITS) | OWNER_BITS);
}
