import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Failure, isFailure } from '../../../core/failure.ts';
import type {
  Backend,
  DeletionRoom,
  Notice,
  OpenOptions,
  TakeOptions,
  OpenRepository,
  Publication,
  PublishOptions,
} from '../../publication/backend.ts';
import { exposureOf, NO_EXPOSURE, type Exposure } from '../../publication/capabilities.ts';
import { Lock, unlessBusy } from '../../../core/system/lock.ts';
import { DirectoryView } from '../../publication/view.ts';
import {
  applyJournal,
  commit,
  discardWorkingFiles,
  draftJournal,
  syncFileSystemOf,
  workingPaths,
  type WorkingPaths,
} from './journal.ts';
import { type FreeRoom, freeRoom } from '../../../core/system/free-space.ts';
import { FolderAside } from './folder-aside.ts';
import { mayShare, Probe } from './probe.ts';
import { Staging } from './staging.ts';
import { WriteLosses } from '../inode.ts';
import { orUnusable, type StoragePlace } from '../../../core/system-failure.ts';
import { isSystemError } from '../../../core/system-error.ts';
import { takeTurns } from '../../../core/turns.ts';
import { interruption } from '../../../core/interruption.ts';
import { keepPrivate } from '../../../core/system/private-folder.ts';

const ENTRIES_AT_ONCE = 500;
/** Every control folder was made together with its lock. */
const CONTROL_MARKS = ['lock'];

export interface DirectoryBackendOptions {
  /** Repositories are directories below it. */
  readonly root: string;
  /** Longest wait for another writer. */
  readonly waitMs: number;
  /** Publishes set-user-ID programs, capabilities and devices even where everybody on this machine can use them. */
  readonly allowPrivileged: boolean;
}

/**
 * Repositories as plain directories with real hard links.
 *
 * A publication is staged beside the repository, synchronized to disk, and committed by giving its journal a name:
 * interrupted before that, it never was; after that, whoever opens the repository next completes it.
 */
export class DirectoryBackend implements Backend {
  readonly expandsLinks = false;
  readonly mayShare = mayShare;
  readonly #options: DirectoryBackendOptions;

  constructor(options: DirectoryBackendOptions) {
    this.#options = options;
  }

  view(name: string): DirectoryView {
    return new DirectoryView(workingPaths(this.#options.root, name).repository);
  }

  room(name: string): FreeRoom {
    return freeRoom(workingPaths(this.#options.root, name).repository);
  }

  async recover(name: string, notice: Notice): Promise<void> {
    await unlessBusy(async () => {
      const { lock } = await this.#take(name, { waitMs: 0, notice });
      lock.release();
    });
  }

  async open(name: string, { notice, signal }: OpenOptions): Promise<OpenRepository> {
    const { paths, lock } = await this.#take(name, { waitMs: this.#options.waitMs, notice, signal });
    const exposes = this.#options.allowPrivileged ? NO_EXPOSURE : exposureOf(paths.repository);
    return new OpenDirectory(paths, lock, { notice, exposes });
  }

  /** Whatever is wrong with the repository, who opens it tells of it. */
  async filesAside(name: string, notice: Notice): Promise<FolderAside | undefined> {
    const { control } = workingPaths(this.#options.root, name);
    try {
      this.#makeControl(control, notice);
      return await FolderAside.make(control);
    } catch (error) {
      if (!isSystemError(error) && !isFailure(error)) throw error;
      return undefined;
    }
  }

  #makeControl(path: string, notice: Notice): void {
    makeOpenFolder(this.#options.root);
    const note = (message: string): void => notice('note', message);
    keepPrivate({ path, marks: CONTROL_MARKS, unusable: 'repository-unusable', note });
  }

  async #take(name: string, request: TakeOptions): Promise<{ paths: WorkingPaths; lock: Lock }> {
    const paths = workingPaths(this.#options.root, name);
    const subject = `the repository ${paths.repository}`;
    await orUnusable(unchanged(paths.control), async () => {
      this.#makeControl(paths.control, request.notice);
    });
    const lock = await Lock.acquire({
      path: paths.lock,
      subject,
      unusable: 'repository-unusable',
      ...request,
    });
    try {
      await orUnusable(unchanged(paths.repository), async () => {
        makeOpenFolder(paths.repository);
        checkFileSystem(paths);
        new Probe(paths).assertTellsNamesApart();
        if (await applyJournal(paths))
          request.notice('note', `completed a publication of ${name} that was interrupted`);
        else if (existsSync(paths.staging))
          request.notice(
            'note',
            `removed a publication of ${name} that was interrupted before it was complete`,
          );
        await discardWorkingFiles(paths);
        await FolderAside.removeAbandoned(paths.control);
      });
      return { paths, lock };
    } catch (error) {
      lock.release();
      throw error;
    }
  }
}

/** Others want the repository too, and the journal is read as a whole. */
const MOST_TREES = 20_000;

class OpenDirectory implements OpenRepository {
  readonly view: DirectoryView;
  readonly capabilities: Probe;
  readonly #paths: WorkingPaths;
  readonly #lock: Lock;
  readonly #notice: Notice;

  constructor(paths: WorkingPaths, lock: Lock, { notice, exposes }: { notice: Notice; exposes: Exposure }) {
    this.view = new DirectoryView(paths.repository);
    this.capabilities = new Probe(paths, exposes);
    this.#paths = paths;
    this.#lock = lock;
    this.#notice = notice;
  }

  async publish(publication: Publication, options: PublishOptions): Promise<void> {
    const losses = new WriteLosses();
    const { repository: path } = this.#paths;
    await orUnusable({ ...unchanged(path), neededBytes: publication.contentBytes }, async () => {
      await this.#stage(publication, options, losses);
      commit(this.#paths);
    });
    await orUnusable({ ...unchanged(path), outcome: UNFINISHED }, async () => {
      await applyJournal(this.#paths);
      await discardWorkingFiles(this.#paths);
    });
    const lost = losses.summary();
    if (lost !== undefined) this.#notice('warning', lost);
  }

  /** Each tree is moved away by itself, and has its line in the journal. */
  async deletionRoom(): Promise<DeletionRoom> {
    let left = MOST_TREES;
    return await Promise.resolve({ take: () => left-- > 0 });
  }

  /** What was taken away is gone already. */
  async freeStorage(): Promise<boolean> {
    return await Promise.resolve(false);
  }

  revision(): undefined {
    return undefined;
  }

  async release(): Promise<void> {
    this.capabilities.close();
    this.#lock.release();
  }

  /** Everything but the commit: whatever fails here leaves nothing behind. */
  async #stage(publication: Publication, options: PublishOptions, losses: WriteLosses): Promise<void> {
    try {
      const staging = await this.#write(publication, options, losses);
      draftJournal(this.#paths, staging.changes);
    } catch (error) {
      await discardWorkingFiles(this.#paths);
      throw error;
    }
  }

  async #write(
    publication: Publication,
    { onBytes, signal }: PublishOptions,
    losses: WriteLosses,
  ): Promise<Staging> {
    // Both now: when the publication is committed, there must be room for what it moves away.
    for (const folder of [this.#paths.staging, this.#paths.discarded]) mkdirSync(folder, { mode: 0o700 });
    const staging = new Staging(this.#paths, losses, onBytes);
    for (const path of publication.deletions) staging.remove(path);
    for (const path of publication.outdated) staging.retire(path);
    let added = 0;
    for await (const slice of publication.trees()) {
      for (const entry of slice) {
        // Where entries have no content, nothing else would let a signal come through.
        if (++added % ENTRIES_AT_ONCE === 0) await setImmediate();
        if (signal.aborted) throw interruption(signal);
        await staging.add(entry);
      }
    }
    for (const entry of publication.names) await staging.add(entry);
    await addXattrs(staging, publication, signal);
    staging.finish();
    await syncFileSystemOf(this.#paths.staging);
    if (signal.aborted) throw interruption(signal);
    return staging;
  }
}

/** Published directories are for everybody, whatever the umask of this process. */
function makeOpenFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) chmodSync(folder, 0o755);
}

async function addXattrs(staging: Staging, { xattrs }: Publication, signal: AbortSignal): Promise<void> {
  for await (const attributes of xattrs?.() ?? []) {
    await takeTurns();
    if (signal.aborted) throw interruption(signal);
    staging.addXattrs(attributes);
  }
}

/** Renames are whole only within one file system. */
function checkFileSystem({ repository, control }: WorkingPaths): void {
  if (statSync(repository).dev === statSync(control).dev) return;
  throw new Failure('repository-unusable', `${repository} is on another file system than ${control}`, {
    hint: 'let --root name a directory on the file system that holds the repository',
  });
}

const UNFINISHED = 'the publication is completed when the repository is opened next';

function unchanged(path: string): StoragePlace {
  return { path, code: 'repository-unusable', outcome: 'nothing has changed' };
}
