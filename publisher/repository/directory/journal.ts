import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../../wishlist/failure.ts';
import { pathBuffer, type BytePath } from '../entry.ts';
import { finishDirectory } from '../inode.ts';
import type { Unkept } from '../unkept.ts';

const AttributesOf = z.object({ mode: z.number(), uid: z.number(), gid: z.number(), mtime: z.number() });

const Change = z.discriminatedUnion('kind', [
  /** Move away what is published at `path`. */
  z.object({ kind: z.literal('remove'), path: z.string() }),
  /** Move what is staged at `path` to its place; attributes are those of a directory, set afterwards. */
  z.object({ kind: z.literal('place'), path: z.string(), attributes: AttributesOf.optional() }),
  /** Give the published directory at `path` other attributes. */
  z.object({ kind: z.literal('attributes'), path: z.string(), attributes: AttributesOf }),
]);

/** One step of a commit. Each can be done again when it was interrupted, or was done already. */
export type Change = z.infer<typeof Change>;

const Journal = z.object({ format: z.literal(1), changes: z.array(Change) });

/** Where a repository's working files are: beside it, on the same file system. */
export interface WorkingPaths {
  readonly repository: string;
  /** Holds everything below. */
  readonly control: string;
  readonly staging: string;
  /** What changes have moved away. */
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
    discarded: join(control, 'discarded'),
    journal: join(control, 'journal.json'),
    lock: join(control, 'lock'),
  };
}

/**
 * The moment of the commit: once the journal has its name, the publication will be complete, by this process or by the
 * next one that opens the repository.
 */
export function commit(paths: WorkingPaths, changes: readonly Change[]): void {
  const temporary = `${paths.journal}.part`;
  writeFileSync(temporary, JSON.stringify({ format: 1, changes }), { flush: true });
  renameSync(temporary, paths.journal);
  syncFolder(paths.control);
}

/** Carries out the journal's changes, as often as it takes. Nothing is done where there is none; true: there was one. */
export function applyJournal(paths: WorkingPaths, unkept: Unkept): boolean {
  const journal = readJournal(paths.journal);
  if (journal === undefined) return false;
  mkdirSync(paths.discarded, { recursive: true });
  journal.changes.forEach((change, index) => apply(paths, change, { index, unkept }));
  for (const folder of new Set(journal.changes.map(({ path }) => dirname(path))))
    syncPublishedFolder(paths, folder);
  rmSync(paths.journal);
  syncFolder(paths.control);
  return true;
}

/** Removes what an earlier publication staged or moved away. */
export function discardWorkingFiles(paths: WorkingPaths): void {
  for (const folder of [paths.staging, paths.discarded]) removeTree(folder);
}

/** Folders of an image may forbid their owner to empty them. */
function removeTree(folder: string): void {
  if (process.getuid?.() !== 0) makeWritable(Buffer.from(folder));
  rmSync(folder, { recursive: true, force: true });
}

function makeWritable(path: Buffer): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, 'buffer')) makeWritable(Buffer.concat([path, Buffer.from('/'), name]));
}

function apply(
  paths: WorkingPaths,
  change: Change,
  { index, unkept }: { index: number; unkept: Unkept },
): void {
  const published = below(paths.repository, change.path);
  switch (change.kind) {
    case 'remove':
      moveIfThere(published, below(paths.discarded, String(index)));
      return;
    case 'place':
      moveIfThere(below(paths.staging, change.path), published);
      if (change.attributes !== undefined) finishDirectory(published, change.attributes, unkept);
      return;
    case 'attributes':
      finishDirectory(published, change.attributes, unkept);
      return;
  }
}

/** A rename that was done before an interruption finds nothing to move. */
function moveIfThere(from: Buffer, to: Buffer): void {
  if (lstatSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
}

function readJournal(path: string): z.infer<typeof Journal> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return Journal.parse(JSON.parse(text));
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

function syncPublishedFolder(paths: WorkingPaths, folder: BytePath): void {
  syncFolder(below(paths.repository, folder));
}

function syncFolder(path: string | Buffer): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function below(folder: string, path: BytePath): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), pathBuffer(path)]);
}
