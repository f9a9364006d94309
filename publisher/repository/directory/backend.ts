import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { Failure, isFailure } from '../../../wishlist/failure.ts';
import type {
  Backend,
  Notice,
  OpenOptions,
  OpenRepository,
  Publication,
  PublishOptions,
} from '../backend.ts';
import { syncFileSystem } from '../libc.ts';
import { Lock, unlessBusy, type LockOptions } from '../lock.ts';
import { DirectoryView } from '../view.ts';
import {
  applyJournal,
  commit,
  discardWorkingFiles,
  workingPaths,
  type Change,
  type WorkingPaths,
} from './journal.ts';
import { Staging } from './staging.ts';
import { Unkept } from '../unkept.ts';

export interface DirectoryBackendOptions {
  /** Repositories are directories below it. */
  readonly root: string;
  /** How long to wait for another writer. */
  readonly waitMs: number;
}

/**
 * Repositories as plain directories with real hard links.
 *
 * A publication is staged beside the repository, synchronised to disk, and committed by giving its journal a name:
 * interrupted before that, it never was; after that, whoever opens the repository next completes it.
 */
export class DirectoryBackend implements Backend {
  readonly #options: DirectoryBackendOptions;

  constructor(options: DirectoryBackendOptions) {
    this.#options = options;
  }

  view(name: string): DirectoryView {
    return new DirectoryView(workingPaths(this.#options.root, name).repository);
  }

  async recover(name: string, notice: Notice): Promise<void> {
    await unlessBusy(async () => {
      const { lock } = await this.#take(name, { waitMs: 0, notice });
      lock.release();
    });
  }

  async open(name: string, { notice, signal }: OpenOptions): Promise<OpenRepository> {
    const { paths, lock, unkept } = await this.#take(name, { waitMs: this.#options.waitMs, notice, signal });
    return new OpenDirectory(paths, lock, { notice, unkept });
  }

  async #take(
    name: string,
    request: LockOptions,
  ): Promise<{ paths: WorkingPaths; lock: Lock; unkept: Unkept }> {
    const paths = workingPaths(this.#options.root, name);
    const subject = `the repository ${paths.repository}`;
    const lock = await Lock.acquire({
      path: paths.lock,
      subject,
      unusable: 'repository-unusable',
      ...request,
    });
    try {
      const unkept = new Unkept();
      await usable(paths, () => {
        mkdirSync(paths.repository, { recursive: true });
        checkFileSystem(paths);
        if (applyJournal(paths, unkept))
          request.notice('note', `completed a publication of ${name} that was interrupted`);
        discardWorkingFiles(paths);
      });
      return { paths, lock, unkept };
    } catch (error) {
      lock.release();
      throw error;
    }
  }
}

class OpenDirectory implements OpenRepository {
  readonly view: DirectoryView;
  readonly #paths: WorkingPaths;
  readonly #lock: Lock;
  readonly #notice: Notice;
  readonly #unkept: Unkept;
  #saidUnkept = false;

  constructor(paths: WorkingPaths, lock: Lock, { notice, unkept }: { notice: Notice; unkept: Unkept }) {
    this.view = new DirectoryView(paths.repository);
    this.#paths = paths;
    this.#lock = lock;
    this.#notice = notice;
    this.#unkept = unkept;
  }

  async publish(publication: Publication, options: PublishOptions): Promise<void> {
    await usable(this.#paths, async () => {
      const removals = publication.deletions.map((path) => ({ kind: 'remove', path }) as const);
      const changes = await this.#stage(publication, options);
      commit(this.#paths, [...removals, ...changes]);
      applyJournal(this.#paths, this.#unkept);
      discardWorkingFiles(this.#paths);
    });
    this.#sayUnkept();
  }

  async release(): Promise<void> {
    this.#lock.release();
  }

  /** Everything but the commit: whatever fails here leaves nothing behind. */
  async #stage(publication: Publication, options: PublishOptions): Promise<Change[]> {
    try {
      return await this.#write(publication, options);
    } catch (error) {
      discardWorkingFiles(this.#paths);
      throw error;
    }
  }

  async #write(publication: Publication, { onBytes, signal }: PublishOptions): Promise<Change[]> {
    mkdirSync(this.#paths.staging);
    const staging = new Staging(this.#paths, this.#unkept, onBytes);
    for await (const entry of publication.trees()) {
      if (signal.aborted)
        throw new Failure('interrupted', 'the publication was interrupted: nothing has changed');
      await staging.add(entry);
    }
    for (const entry of publication.names) await staging.add(entry);
    for (const attributes of publication.xattrs) staging.addXattrs(attributes);
    staging.finish();
    await syncToDisk(this.#paths.staging);
    return staging.changes;
  }

  #sayUnkept(): void {
    const summary = this.#unkept.summary();
    if (summary === undefined || this.#saidUnkept) return;
    this.#saidUnkept = true;
    this.#notice('warning', summary);
  }
}

/** Renames are whole only within one file system. */
function checkFileSystem({ repository, control }: WorkingPaths): void {
  if (statSync(repository).dev === statSync(control).dev) return;
  throw new Failure('repository-unusable', `${repository} is on another file system than ${control}`, {
    hint: 'let --root name a directory on the file system that holds the repository',
  });
}

async function syncToDisk(folder: string): Promise<void> {
  const fd = openSync(folder, 'r');
  try {
    await syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}

/** Gives the errors of the file system their meaning for a repository. */
async function usable<T>({ repository }: WorkingPaths, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFailure(error) || !(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
      throw new Failure('disk-full', `no space is left for ${repository}: nothing has changed`, {
        hint: 'free space on its file system, then run again',
        cause: error,
      });
    }
    throw new Failure('repository-unusable', `${repository} cannot be written: ${error.message}`, {
      hint: 'check that the directory exists and that the user who runs unpackd may write it',
      cause: error,
    });
  }
}
