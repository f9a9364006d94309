import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { Died, complain, say } from './died.ts';
import { failAt, stopAt } from './fault.ts';
import { bytes, deletionsOf, readArguments } from './ingest-arguments.ts';
import type { IngestArguments } from './ingest-arguments.ts';
import { repositoryPaths } from './layout.ts';
import type { Layout, RepositoryPaths } from './layout.ts';
import { announceCommit, publish } from './publish.ts';
import {
  abandonTransaction,
  chunkedFiles,
  cloneRevision,
  commit,
  copyForWriting,
  lockPublishing,
  openTransaction,
  publishedTree,
  readManifest,
  readSetting,
  repositoryExists,
} from './repository.ts';
import type { TarballOptions } from './tarball.ts';
import { Tree } from './tree.ts';
import { release } from './version.ts';

/** `ingest [-k] [-c] [-t FILE|-] [-b DIR] [-d PATH]… [-u USER] [-g GROUP] REPOSITORY`; 2.14: also `[-f PATH]… [-m]` */
export async function ingest(layout: Layout, words: readonly string[]): Promise<void> {
  const request = readArguments(words);
  if (release() === '2.14') say(`Info: transaction on repository ${request.repository}`);
  checkArguments(request);
  const paths = repositoryPaths(layout, request.repository.split('/')[0] ?? '');
  if (!repositoryExists(paths)) throw new Died(`cannot open ${paths.configuration}: No such file`, 2);
  const owner = ownerOf(request);

  await open(layout, paths);
  refuseWorkingDirectory(paths);
  refuseHolders(layout, paths);
  lockPublishing(paths);
  const heedSignals = abortOnSignals(paths);
  try {
    await writeRevision(layout, paths, { request, owner });
  } catch (error) {
    abandonTransaction(paths);
    if (error instanceof Died) throw new Died(`${error.message}\nSynchronization failed`);
    throw error;
  }
  heedSignals.end();
  await publish(layout, paths);
}

async function open(layout: Layout, paths: RepositoryPaths): Promise<void> {
  try {
    failAt(layout, 'open');
    openTransaction(paths);
  } catch (error) {
    if (error instanceof Died) throw new Died(`${error.message}\nImpossible to start a transaction`);
    throw error;
  }
  await stopAt(layout, 'open');
}

/** The real script asks on standard input, which is the tar stream, and leaves the transaction open. */
function refuseHolders(layout: Layout, paths: RepositoryPaths): void {
  try {
    failAt(layout, 'holders');
  } catch (error) {
    copyForWriting(paths);
    say(`WARNING! There are open read-only file descriptors in ${paths.union}`);
    say('         Do you want to proceed anyway? (y/N) aborted.');
    throw error instanceof Died ? new Died('') : error;
  }
}

/** Everything up to the commit, which is its last step. */
async function writeRevision(
  layout: Layout,
  paths: RepositoryPaths,
  { request, owner }: { readonly request: IngestArguments; readonly owner: TarballOptions['owner'] },
): Promise<void> {
  say('Swissknife Ingest: Processing changes...');
  const base = cloneRevision(paths);
  const trees = {
    tree: new Tree(base, readSetting(paths, 'CVMFS_INCLUDE_XATTRS') === 'true'),
    published: new Tree(publishedTree(paths)),
  };
  const { nested, dangling } = readManifest(paths);
  const catalogs = { nested: new Set(nested), dangling: [...dangling], chunked: chunkedFiles(paths) };
  // Only here, because the tar reader takes as long to load as everything else.
  const { applyTarball } = await import('./tarball.ts');
  await applyTarball(trees, catalogs, {
    tarFile: request.tarFile === '' ? undefined : request.tarFile,
    baseDirectory: bytes(request.baseDirectory).replace(/^\/+|\/+$/g, ''),
    deletions: deletionsOf(request),
    owner,
    catalog: request.catalog,
    toleratesMissingTargets: request.toleratesMissingTargets,
    onEntries: async (entries, path) => {
      failAt(layout, 'read', { entries, path });
      await stopAt(layout, 'read', { entries, path });
    },
  });
  say('Committing file catalogs...');
  failAt(layout, 'commit');
  await stopAt(layout, 'commit');
  announceCommit(paths);
  const { dangling: left, chunked } = catalogs;
  commit(paths, base, { nested: [...catalogs.nested].toSorted(), dangling: left, chunked });
}

function checkArguments(request: IngestArguments): void {
  const { tarFile, baseDirectory, deletions } = request;
  if (tarFile === '' && baseDirectory === '' && deletions.length === 0) {
    throw new Died(
      'Please provide some parameters: a tar file (-t), a base directory (-b), paths to delete (-d)',
    );
  }
  if (tarFile === '' && baseDirectory !== '') throw new Died('Please provide the tarball to extract (-t)');
  if (tarFile !== '' && baseDirectory === '') throw new Died('Please set the base directory (-b)');
  checkOwner(request);
}

function checkOwner({ user, group, keepOwnership }: IngestArguments): void {
  if (keepOwnership && (user !== '' || group !== '')) {
    throw new Died('You cannot provide both: either user (-u) and group (-g), or keep the ownership (-k)');
  }
  if (user === '' && group !== '') throw new Died('If providing a group, you also must provide a user (-u)');
  // The real one then takes the next option for the group, reads nothing, and publishes what there was.
  if (user !== '' && group === '') throw new Died('the double wants a group (-g) with the user (-u)');
}

function ownerOf({ user, group, keepOwnership }: IngestArguments): TarballOptions['owner'] {
  if (keepOwnership) return undefined;
  if (user === '') return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { status, stdout } = spawnSync('id', ['-u', user], { encoding: 'utf8' });
  if (status !== 0) throw new Died('User set but no valid user name given');
  checkGroup(group);
  // Whatever the group, the real one takes the user's.
  return { uid: Number(stdout), gid: Number(spawnSync('id', ['-g', user], { encoding: 'utf8' }).stdout) };
}

function checkGroup(group: string): void {
  const lines = readFileSync('/etc/group', 'utf8').split('\n');
  if (lines.some((line) => line.startsWith(`${group}:`))) return;
  throw new Died('Group set but no valid group name given');
}

function refuseWorkingDirectory(paths: RepositoryPaths): void {
  if (!`${process.env['PWD'] ?? process.cwd()}/`.startsWith(`${paths.union}/`)) return;
  abandonTransaction(paths);
  throw new Died(`Current working directory is in ${paths.union}.  Please release, e.g. by 'cd $HOME'.`);
}

/** What the real one does where a signal reaches its whole process group while it reads. */
function abortOnSignals(paths: RepositoryPaths): { end: () => void } {
  const abort = (): void => {
    complain('Synchronization failed');
    abandonTransaction(paths);
    process.exit(1);
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, abort);
  return {
    end: () => {
      for (const signal of signals) process.off(signal, abort);
    },
  };
}
