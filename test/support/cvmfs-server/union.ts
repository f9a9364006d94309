import {
  appendFileSync,
  chmodSync,
  lstatSync,
  readFileSync,
  readSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';

import { forget, isMagic, notePublished } from './chunked-files.ts';
import type { ChunkedFiles } from './chunked-files.ts';
import { Died, hasCode, say } from './died.ts';
import { failAt, hangAt, stopAt } from './fault.ts';
import { repositoryPaths } from './layout.ts';
import type { Layout, RepositoryPaths } from './layout.ts';
import { announceCommit, publish } from './publish.ts';
import {
  abandonTransaction,
  chunkedFiles,
  commit,
  copyForWriting,
  GARBAGE_COLLECTION,
  isInTransaction,
  isPublishing,
  lockPublishing,
  openTransaction,
  publishedTree,
  readManifest,
  readSetting,
  repositoryExists,
  unlockPublishing,
  unmountView,
  writableTree,
} from './repository.ts';
import { getAttribute, listAttributes, removeAttribute } from './system.ts';

/** What the real one exits with. */
const EINTR = 4;
const EINVAL = 22;

/** `transaction REPOSITORY` */
export async function transaction(layout: Layout, words: readonly string[]): Promise<void> {
  const paths = existing(layout, words.at(-1));
  failAt(layout, 'open');
  openTransaction(paths);
  await stopAt(layout, 'open');
  copyForWriting(paths);
}

/** `abort [-f] REPOSITORY` */
export async function abort(layout: Layout, words: readonly string[]): Promise<void> {
  const paths = existing(layout, words.at(-1));
  if (!words.includes('-f') && !isConfirmed(paths)) throw new Died('', EINTR);
  if (isPublishing(paths)) throw new Died(`Could not acquire lock ${paths.publishingLock}`, EINVAL);
  if (!isInTransaction(paths)) throw new Died(`Repository ${paths.name} is not in a transaction`, EINVAL);
  lockPublishing(paths);
  unmountView(paths);
  await hangAt(layout, 'remount');
  abandonTransaction(paths);
}

/** `publish REPOSITORY` of what was written below `/cvmfs/REPOSITORY`. A failure leaves the transaction open. */
export async function publishUnion(layout: Layout, words: readonly string[]): Promise<void> {
  const paths = repositoryPaths(layout, (words.at(-1) ?? '').split('/')[0] ?? '');
  if (!repositoryExists(paths)) throw new Died(`The repository ${paths.name} does not exist.`);
  if (isPublishing(paths)) throw new Died(`Another publish process is active for ${paths.name}`);
  if (!isInTransaction(paths)) {
    say(`Repository ${paths.name} is not in a transaction`);
    throw new Died('');
  }
  lockPublishing(paths);
  try {
    say('Swissknife Sync: Processing changes...');
    const chunked = chunkedFiles(paths);
    const nested = prepare(paths, chunked);
    say('Committing file catalogs...');
    failAt(layout, 'commit');
    await stopAt(layout, 'commit');
    announceCommit(paths);
    const isCollectable = readSetting(paths, GARBAGE_COLLECTION) === 'true';
    const { dangling } = readManifest(paths);
    commit(paths, writableTree(paths), { nested, dangling, chunked, isCollectable });
  } catch (error) {
    unlockPublishing(paths);
    if (error instanceof Died) throw new Died(`${error.message}\nSynchronization failed`);
    throw error;
  }
  await publish(layout, paths);
}

function existing(layout: Layout, word: string | undefined): RepositoryPaths {
  const paths = repositoryPaths(layout, (word ?? '').split('/')[0] ?? '');
  if (repositoryExists(paths)) return paths;
  throw new Died(`CernVM-FS error: Unable to find the configuration file \`server.conf\`: ${paths.name}`);
}

/** No answer at all means yes. */
function isConfirmed(paths: RepositoryPaths): boolean {
  say(
    `You are about to DISCARD ALL CHANGES OF THE CURRENT TRANSACTION for ${paths.name}!  Are you sure (y/N)? `,
  );
  const answer = Buffer.alloc(1);
  return readSync(0, answer) === 0 || /y/i.test(answer.toString('latin1'));
}

/**
 * Turns what was written into what a catalog can hold.
 *
 * @returns the root directories of nested catalogs
 */
function prepare(paths: RepositoryPaths, chunked: ChunkedFiles): string[] {
  const tree = Buffer.from(writableTree(paths)).toString('latin1');
  const keepsAttributes = readSetting(paths, 'CVMFS_INCLUDE_XATTRS') === 'true';
  const globs = dirtabOf(paths);
  const nested: string[] = [];
  const published = Buffer.from(publishedTree(paths)).toString('latin1');
  const note = notePublished(chunked, published, tree);
  const found = new Set<string>();
  for (const { path, stats } of walk(tree, '')) {
    found.add(path);
    note(path);
    const absolute = Buffer.from(`${tree}/${path}`, 'latin1');
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name.startsWith('.cvmfsgraft-')) refuseGraft(paths, path);
    if (name === '.cvmfscatalog') {
      if (path === name) throw new Died('Error: nested catalog marker in root directory');
      nested.push(path.slice(0, -name.length - 1));
    }
    if (stats.isDirectory() && globs.some((glob) => glob.test(`/${path}`))) {
      addMarker(absolute, stats);
      nested.push(path);
    }
    for (const attribute of listAttributes(absolute))
      if (!isMagic(attribute) && (!keepsAttributes || !isShort(absolute, attribute)))
        removeAttribute(absolute, attribute);
    if (!stats.isSymbolicLink())
      utimesSync(absolute, Math.floor(stats.mtimeMs / 1000), Math.floor(stats.mtimeMs / 1000));
  }
  for (const path of [...chunked.whole, ...chunked.empty]) if (!found.has(path)) forget(chunked, path);
  return [...new Set(nested)].toSorted();
}

/** Longer values are left out of catalogs. (The real one makes an empty value of one of exactly 256 bytes.) */
function isShort(path: Buffer, attribute: string): boolean {
  return getAttribute(path, attribute).length <= 255;
}

/** Depth first, a directory after what it holds. */
function* walk(tree: string, folder: string): Generator<{ path: string; stats: Stats }> {
  for (const name of readdirSync(Buffer.from(`${tree}/${folder}`, 'latin1'), { encoding: 'latin1' })) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const stats = lstatSync(Buffer.from(`${tree}/${path}`, 'latin1'));
    if (stats.isDirectory()) yield* walk(tree, path);
    yield { path, stats };
  }
}

/** The real one publishes what a graft says, content or not; the double does not, and notes it for the tests. */
function refuseGraft(paths: RepositoryPaths, path: string): never {
  appendFileSync(paths.special, `${JSON.stringify({ kind: 'graft', path })}\n`);
  throw new Died(`the double publishes no grafts: ${path}`);
}

/** The directories that `.cvmfsdirtab` makes nested catalogs; `*` stands for one name. Lines with `!` are left out. */
function dirtabOf(paths: RepositoryPaths): RegExp[] {
  try {
    const lines = readFileSync(`${writableTree(paths)}/.cvmfsdirtab`, 'utf8').split('\n');
    const globs = lines.map((line) => line.trim()).filter((line) => line.startsWith('/'));
    if (globs.length > 0) appendFileSync(paths.special, `${JSON.stringify({ kind: 'dirtab', globs })}\n`);
    return globs.map((glob) => new RegExp(`^${glob.split('*').map(escape).join('[^/]*')}$`));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function addMarker(directory: Buffer, stats: Stats): void {
  const marker = Buffer.concat([directory, Buffer.from('/.cvmfscatalog')]);
  writeFileSync(marker, '', { flag: 'a' });
  chmodSync(marker, 0o644);
  utimesSync(directory, stats.mtimeMs / 1000, stats.mtimeMs / 1000);
}
