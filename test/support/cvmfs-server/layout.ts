import { join } from 'node:path';

/** Where the double keeps what a release manager has in `/cvmfs`, `/var/spool/cvmfs` and `/etc/cvmfs`. */
export interface Layout {
  /** As `/cvmfs`. */
  readonly root: string;
  /** As `/var/spool/cvmfs`. */
  readonly spool: string;
  /** As `/etc/cvmfs/repositories.d`. */
  readonly config: string;
  /** One line for the start and one for the end of each command. */
  readonly calls: string;
  /** The fault that the next commands meet. */
  readonly control: string;
}

export function layoutBelow(top: string): Layout {
  return {
    root: join(top, 'cvmfs'),
    spool: join(top, 'spool'),
    config: join(top, 'etc', 'repositories.d'),
    calls: join(top, 'calls.jsonl'),
    control: join(top, 'control.json'),
  };
}

export interface RepositoryPaths {
  readonly name: string;
  /** As `/cvmfs/NAME`: a symbolic link to the view, or to the copy that a union transaction may write. */
  readonly union: string;
  /** The reading view, `rdonly`: a symbolic link to one revision. */
  readonly view: string;
  /** One directory for each revision that is kept; never modified. */
  readonly revisions: string;
  /** Everything that an abort throws away. */
  readonly scratch: string;
  /** What the view shows while nothing is mounted. */
  readonly unmounted: string;
  /** The last published revision, whatever the view shows. */
  readonly manifest: string;
  readonly transactionFlag: string;
  readonly publishingLock: string;
  /** One line for each `.cvmfsdirtab` and `.cvmfsgraft-*` that took effect in a union transaction. */
  readonly special: string;
  readonly configuration: string;
}

export function repositoryPaths(layout: Layout, name: string): RepositoryPaths {
  const spool = join(layout.spool, name);
  return {
    name,
    union: join(layout.root, name),
    view: join(spool, 'rdonly'),
    revisions: join(spool, 'revisions'),
    scratch: join(spool, 'scratch'),
    unmounted: join(spool, 'unmounted'),
    manifest: join(spool, 'manifest.json'),
    transactionFlag: join(spool, 'in_transaction.lock'),
    publishingLock: join(spool, 'is_publishing.lock'),
    special: join(spool, 'special.jsonl'),
    configuration: join(layout.config, name, 'server.conf'),
  };
}
