import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readCalls } from './calls.ts';
import type { Call } from './calls.ts';
import { writeFault } from './fault.ts';
import type { Fault } from './fault.ts';
import { layoutBelow, repositoryPaths } from './layout.ts';
import { removeAll } from './remove.ts';
import { problemsOf } from './report.ts';
import { createRepository, mountedRevision, readManifest } from './repository.ts';
import { RELEASE_VARIABLE } from './version.ts';
import type { Release } from './version.ts';

export { faults } from './fault.ts';
export type { Call } from './calls.ts';
export type { Fault, FaultPoint } from './fault.ts';
export type { Release } from './version.ts';

/** A release manager for tests: directories, and a program in place of `cvmfs_server`. */
export interface CvmfsFixture {
  /** Everything is below it. */
  readonly top: string;
  /** As `/cvmfs`. */
  readonly root: string;
  /** As `/var/spool/cvmfs`. */
  readonly spool: string;
  /** As `/etc/cvmfs/repositories.d`. */
  readonly config: string;
  /** The program's absolute path; its name is `cvmfs_server`. It needs no environment. */
  readonly command: string;
  /** This process's, with the program first on the PATH. */
  readonly environment: NodeJS.ProcessEnv;
  /** Makes an empty repository, at revision 1. */
  repository(name: string, options?: RepositoryOptions): Promise<void>;
  /** The reading view, `rdonly`. */
  view(name: string): string;
  /** Where the revision is that the view shows; `undefined` while nothing is mounted. */
  mounted(name: string): string | undefined;
  /** What the next commands meet; `undefined` ends it. */
  inject(fault: Fault | undefined): void;
  /** All calls in the order in which they began. */
  calls(): Call[];
  /** What `check` finds. */
  problems(name: string): string[];
  /** Revisions published since the repository was made. */
  publications(name: string): number;
  close(): Promise<void>;
}

export interface RepositoryOptions {
  readonly xattrs?: boolean;
  /** Made for garbage collection: `mkfs -z`. */
  readonly gc?: boolean;
}

export async function createCvmfsFixture(release: Release = '2.12'): Promise<CvmfsFixture> {
  const top = await mkdtemp(join(tmpdir(), 'unpackd-cvmfs-server-'));
  const layout = layoutBelow(top);
  for (const folder of [layout.root, layout.spool, layout.config]) mkdirSync(folder, { recursive: true });
  const command = writeCommand(top, release);
  return {
    top,
    root: layout.root,
    spool: layout.spool,
    config: layout.config,
    command,
    environment: {
      ...process.env,
      PATH: [join(top, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
    },
    async repository(name, { xattrs = false, gc = false } = {}) {
      const paths = repositoryPaths(layout, name);
      createRepository(paths, {
        CVMFS_REPOSITORY_NAME: name,
        CVMFS_REPOSITORY_TYPE: 'stratum0',
        CVMFS_USER: userInfo().username,
        CVMFS_UNION_DIR: paths.union,
        CVMFS_SPOOL_DIR: join(layout.spool, name),
        CVMFS_STRATUM0: `http://localhost/cvmfs/${name}`,
        CVMFS_UPSTREAM_STORAGE: `local,${top}/srv/${name}/data/txn,${top}/srv/${name}`,
        CVMFS_UNION_FS_TYPE: 'overlayfs',
        CVMFS_AUTO_TAG: 'false',
        CVMFS_GARBAGE_COLLECTION: String(gc),
        ...(xattrs ? { CVMFS_INCLUDE_XATTRS: 'true' } : {}),
      });
    },
    view: (name) => repositoryPaths(layout, name).view,
    mounted: (name) => mountedRevision(repositoryPaths(layout, name)),
    inject: (fault) => writeFault(layout, fault),
    calls: () => readCalls(layout),
    problems: (name) => problemsOf(repositoryPaths(layout, name)),
    publications: (name) => readManifest(repositoryPaths(layout, name)).revision - 1,
    async close() {
      removeAll(Buffer.from(top));
    },
  };
}

/** `exec`, so that a signal reaches the program and not a shell in front of it. */
function writeCommand(top: string, release: Release): string {
  const command = join(top, 'bin', 'cvmfs_server');
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  mkdirSync(join(top, 'bin'));
  const lines = [
    '#!/bin/sh',
    // Coverage is measured of what is tested, not of this.
    'unset NODE_V8_COVERAGE',
    `export UNPACKD_DOUBLE_ROOT=${quote(top)} ${RELEASE_VARIABLE}=${release}`,
    `exec ${quote(process.execPath)} ${quote(main)} "$@"`,
  ];
  writeFileSync(command, `${lines.join('\n')}\n`);
  chmodSync(command, 0o755);
  return command;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
