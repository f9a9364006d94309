import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { showChunks } from './chunked-files.ts';
import type { ChunkedFiles } from './chunked-files.ts';
import { Died, hasCode } from './died.ts';
import type { RepositoryPaths } from './layout.ts';
import { removeAll } from './remove.ts';

/** Trunk and trunk-previous: what a repository without automatic tags keeps. */
const REVISIONS_KEPT = 2;

export interface Manifest {
  readonly revision: number;
  /** Root directories of nested catalogs. One character a byte, as in `dangling`. */
  readonly nested: readonly string[];
  /** Entries whose parent is no directory, or has been replaced: `check` finds them, for ever. */
  readonly dangling: readonly string[];
  /** Files in chunks that are there, and files whose chunks are nowhere. */
  readonly chunked: { readonly whole: readonly string[]; readonly empty: readonly string[] };
  /** Set when the repository is made, and by union transactions: what `gc` asks for beside the configuration. */
  readonly isCollectable: boolean;
  /** Seconds since 1970, by revision, of those that are kept. */
  readonly publishedAt: Readonly<Record<string, number>>;
}

export const GARBAGE_COLLECTION = 'CVMFS_GARBAGE_COLLECTION';

/** What the real one exits with where a transaction is open already. */
const EEXIST = 17;

/** A repository as `cvmfs_server mkfs` leaves it: with one file, `new_repository`. */
export function createRepository(paths: RepositoryPaths, settings: Readonly<Record<string, string>>): void {
  mkdirSync(join(paths.configuration, '..'), { recursive: true });
  mkdirSync(join(paths.union, '..'), { recursive: true });
  for (const folder of [paths.scratch, paths.unmounted, revisionPath(paths, 1)]) {
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(join(revisionPath(paths, 1), 'new_repository'), '');
  writeManifest(paths, {
    revision: 1,
    nested: [],
    dangling: [],
    chunked: { whole: [], empty: [] },
    isCollectable: settings[GARBAGE_COLLECTION] === 'true',
    publishedAt: { 1: now() },
  });
  mountView(paths);
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(paths.configuration, lines.join(''));
}

export function repositoryExists(paths: RepositoryPaths): boolean {
  return paths.name !== '' && existsSync(paths.configuration);
}

export function readSetting(paths: RepositoryPaths, key: string): string | undefined {
  const lines = readFileSync(paths.configuration, 'utf8').split('\n');
  return lines.findLast((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
}

export function readManifest(paths: RepositoryPaths): Manifest {
  const manifest: Manifest = JSON.parse(readFileSync(paths.manifest, 'utf8'));
  return manifest;
}

function revisionPath(paths: RepositoryPaths, revision: number): string {
  return join(paths.revisions, String(revision));
}

/** What the published revision's tree is, whatever the view shows. */
export function publishedTree(paths: RepositoryPaths): string {
  return revisionPath(paths, readManifest(paths).revision);
}

export function isInTransaction(paths: RepositoryPaths): boolean {
  return existsSync(paths.transactionFlag);
}

/** Whether `/cvmfs/NAME` can be written: in a transaction, until a publication begins. */
export function isOpenForWriting(paths: RepositoryPaths): boolean {
  return (
    isInTransaction(paths) &&
    !existsSync(paths.publishingLock) &&
    readLinkIfAny(paths.union) !== paths.unmounted
  );
}

/** A lock whose holder is dead does not count; the real one is a file lock, which dies with its holder. */
export function isPublishing(paths: RepositoryPaths): boolean {
  try {
    const holder = readFileSync(paths.publishingLock, 'utf8');
    return holder !== '' && holder === processMark(Number.parseInt(holder, 10));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

export function lockPublishing(paths: RepositoryPaths): void {
  if (isPublishing(paths)) throw new Died('Failed to acquire publishing lock');
  writeFileSync(paths.publishingLock, processMark(process.pid) ?? '');
}

export function unlockPublishing(paths: RepositoryPaths): void {
  rmSync(paths.publishingLock, { force: true });
}

/** @throws Died where a transaction is open already; where nobody is publishing, with the exit status EEXIST. */
export function openTransaction(paths: RepositoryPaths): void {
  if (isInTransaction(paths) && !isOpenForWriting(paths)) throw new Died(brokenTransaction(paths));
  try {
    writeFileSync(paths.transactionFlag, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new Died('CernVM-FS transaction error: another transaction is already open', EEXIST);
  }
}

function brokenTransaction(paths: RepositoryPaths): string {
  const found = `${paths.name} is in a transaction but ${paths.union} is not mounted read/write`;
  const advice = isPublishing(paths)
    ? `WARNING: The repository ${paths.name} is currently publishing and should not\nbe touched.`
    : `Repository ${paths.name} is in a transaction and cannot be repaired.\n--> Run \`cvmfs_server abort $name\``;
  return `${found}\n${advice}\n(unexpected termination) cannot establish writable mountpoint`;
}

/** Ends a transaction without publishing; the view becomes that of the last published revision. */
export function abandonTransaction(paths: RepositoryPaths): void {
  mountView(paths);
  clearScratch(paths);
  unlockPublishing(paths);
  unlinkSync(paths.transactionFlag);
}

/** The directory that becomes the next revision: a copy of the published one, in which files are shared. */
export function cloneRevision(paths: RepositoryPaths): string {
  const tree = join(paths.scratch, 'next');
  copyTree(publishedTree(paths), tree, ['--link']);
  return tree;
}

/** A copy in which nothing is shared, since its writers may modify files in place. */
export function copyForWriting(paths: RepositoryPaths): string {
  const tree = writableTree(paths);
  copyTree(publishedTree(paths), tree, ['--reflink=auto']);
  pointTo(paths.union, tree);
  return tree;
}

export function writableTree(paths: RepositoryPaths): string {
  return join(paths.scratch, 'current');
}

/** What the catalogs of the published revision say of files in chunks, to be changed. */
export function chunkedFiles(paths: RepositoryPaths): ChunkedFiles {
  const { whole, empty } = readManifest(paths).chunked;
  return { whole: new Set(whole), empty: new Set(empty) };
}

/** The commit: from here on `tree` is published, though the view does not show it before {@link mountView}. */
export function commit(
  paths: RepositoryPaths,
  tree: string,
  {
    chunked,
    ...catalogs
  }: Pick<Manifest, 'nested' | 'dangling'> &
    Partial<Pick<Manifest, 'isCollectable'>> & { readonly chunked: ChunkedFiles },
): void {
  const { revision, publishedAt, chunked: before, isCollectable } = readManifest(paths);
  const lists = { whole: [...chunked.whole], empty: [...chunked.empty] };
  // The library behind it takes long to load, and hardly any revision has such files.
  if ([before, lists].some(({ whole, empty }) => whole.length + empty.length > 0))
    showChunks(chunked, tree, catalogs.nested);
  const next = revision + 1;
  removeAll(Buffer.from(revisionPath(paths, next)));
  renameSync(tree, revisionPath(paths, next));
  const kept = Object.entries<number>({ ...publishedAt, [next]: now() }).filter(
    ([number]) => Number(number) > next - REVISIONS_KEPT,
  );
  writeManifest(paths, {
    isCollectable,
    ...catalogs,
    chunked: lists,
    revision: next,
    publishedAt: Object.fromEntries(kept),
  });
}

export function unmountView(paths: RepositoryPaths): void {
  pointTo(paths.view, paths.unmounted);
  pointTo(paths.union, paths.unmounted);
}

/** Shows the published revision in one step. */
export function mountView(paths: RepositoryPaths): void {
  pointTo(paths.view, publishedTree(paths));
  pointTo(paths.union, paths.view);
}

export function mountedRevision(paths: RepositoryPaths): string | undefined {
  const target = readlinkSync(paths.view);
  return target === paths.unmounted ? undefined : target;
}

/** The end of a publication, once the view shows it. */
export function closeTransaction(paths: RepositoryPaths): void {
  clearScratch(paths);
  const { revision } = readManifest(paths);
  for (const number of readdirSync(paths.revisions)) {
    if (Number(number) > revision - REVISIONS_KEPT) continue;
    removeAll(Buffer.from(join(paths.revisions, number)));
  }
  unlinkSync(paths.transactionFlag);
  unlockPublishing(paths);
}

function clearScratch(paths: RepositoryPaths): void {
  removeAll(Buffer.from(paths.scratch));
  mkdirSync(paths.scratch, { recursive: true });
}

function writeManifest(paths: RepositoryPaths, manifest: Manifest): void {
  const draft = `${paths.manifest}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(manifest));
  renameSync(draft, paths.manifest);
}

/** Replaces the symbolic link `path` in one step. */
function pointTo(path: string, target: string): void {
  if (readLinkIfAny(path) === target) return;
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft);
  renameSync(draft, path);
}

function readLinkIfAny(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** By cp(1), which keeps what Node's own copy loses: owners, devices, extended attributes, names that are no text. */
function copyTree(from: string, to: string, options: readonly string[]): void {
  removeAll(Buffer.from(to));
  const { status, stderr, error } = spawnSync('cp', ['-a', ...options, from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp ${from} ${to}: ${stderr}`, { cause: error });
}

/** Tells a process from a later one with the same number; `undefined` where there is none. */
function processMark(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : `${pid} ${fields[18] ?? ''}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
