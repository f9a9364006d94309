import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../core/failure.ts';

/** Paths of a CernVM-FS release manager. */
export interface Installation {
  /** The `cvmfs_server` program. */
  readonly command: string;
  /** Repositories are mounted below it: `/cvmfs`. */
  readonly root: string;
  /** `/var/spool/cvmfs` */
  readonly spool: string;
  /** `/etc/cvmfs` */
  readonly configuration: string;
}

/** CernVM-FS documentation, "Server parameters": CVMFS_MIN_CHUNK_SIZE. */
const DEFAULT_MIN_CHUNK_BYTES = 4 * 1024 * 1024;

/** A repository of a release manager: its paths and configuration. */
export interface CvmfsRepository {
  readonly name: string;
  /** The writable mount. */
  readonly mount: string;
  /** The published state, never half of a transaction. */
  readonly published: string;
  readonly transactionLock: string;
  /** Our own files, beside those of cvmfs_server. */
  readonly writerLock: string;
  readonly record: string;
  /** Folders that take space on this machine: the spool, and local storage of the repository. */
  readonly folders: readonly string[];
  /** Files of fewer bytes are never published in chunks, as far as the configuration says. */
  readonly smallestChunkBytes: number;
  /** A union transaction publishes extended attributes. */
  readonly includesXattrs: boolean;
  /** `cvmfs_server gc` may free what only old revisions have. */
  readonly collectsGarbage: boolean;
}

/**
 * Its mounts may be missing: see {@link assertMounted}.
 *
 * @throws Failure `repository-unusable` where this machine has no such repository, or this user may not write it
 */
export function locateRepository(installation: Installation, name: string): CvmfsRepository {
  const spool = join(installation.spool, name);
  const configuration = readServerConfiguration(
    join(installation.configuration, 'repositories.d', name, 'server.conf'),
    name,
  );
  assertWritable(spool, name, configuration.get('CVMFS_USER'));
  return {
    name,
    mount: join(installation.root, name),
    published: join(spool, 'rdonly'),
    transactionLock: join(spool, 'in_transaction.lock'),
    writerLock: join(spool, 'unpackd.lock'),
    record: join(spool, 'unpackd.transaction'),
    folders: [spool, ...localStorage(configuration.get('CVMFS_UPSTREAM_STORAGE'))],
    smallestChunkBytes: bytes(configuration.get('CVMFS_MIN_CHUNK_SIZE')) ?? DEFAULT_MIN_CHUNK_BYTES,
    includesXattrs: configuration.get('CVMFS_INCLUDE_XATTRS') === 'true',
    collectsGarbage: configuration.get('CVMFS_GARBAGE_COLLECTION') === 'true',
  };
}

/** `local,<temporary folder>,<folder>`, as cvmfs_server mkfs writes it; other kinds are not on this machine. */
function localStorage(upstream = ''): string[] {
  const [kind, , folder] = upstream.split(',');
  return kind === 'local' && folder !== undefined ? [folder] : [];
}

/**
 * Without its mount the published state is an empty directory, which must not be taken for an empty repository.
 *
 * @throws Failure `repository-unusable`
 */
export function assertMounted({ name, published }: CvmfsRepository): void {
  if (existsSync(published) && readdirSync(published).length > 0) return;
  throw new Failure(
    'repository-unusable',
    `the repository ${name} is not mounted: there is nothing at ${published}`,
    { hint: `see \`cvmfs_server list\` and \`cvmfs_server mount ${name}\`` },
  );
}

function readServerConfiguration(path: string, name: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure(
      'repository-unusable',
      `this machine has no repository ${name}: ${path} cannot be read`,
      {
        hint: 'see `cvmfs_server list`; `cvmfs_server mkfs` makes a repository; or use --backend directory',
        cause: error,
      },
    );
  }
  return new Map(
    [...text.matchAll(/^[ \t]*([A-Z0-9_]+)=["']?([^"'\n]*)/gm)].map(([, key, value]) => [
      key ?? '',
      value?.trimEnd() ?? '',
    ]),
  );
}

function bytes(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function assertWritable(spool: string, name: string, owner: string | undefined): void {
  try {
    accessSync(spool, constants.W_OK);
  } catch (error) {
    throw new Failure('repository-unusable', `this user may not write the repository ${name}`, {
      hint: `run unpackd as its owner, ${owner ?? 'see CVMFS_USER in its server.conf'}`,
      cause: error,
    });
  }
}
