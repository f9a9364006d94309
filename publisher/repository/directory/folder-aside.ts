import { randomUUID } from 'node:crypto';
import { closeSync, createReadStream, ftruncateSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure, messageOf } from '../../../core/failure.ts';
import { writeAtSync } from '../../../core/system/files.ts';
import { Lock } from '../../../core/system/lock.ts';
import { removingTree } from '../../../core/system/remove-tree.ts';
import { isSystemError } from '../../../core/system-error.ts';
import { inTurns } from '../../../core/turns.ts';
import type { ContentAside, FilesAside } from '../../publication/files-aside.ts';
import { NEW_FILE } from '../inode.ts';

const PREFIX = 'aside-';
/** What is removed is read folder by folder: names by the million would take much memory. */
const FILES_IN_FOLDER = 1_000;

/**
 * Contents as files of a folder beside the repository, from where a publication moves them to their places. The folder is locked as
 * long as it is used: those of processes that died are removed by whoever opens the repository next.
 */
export class FolderAside implements FilesAside {
  readonly #folder: string;
  readonly #lock: Lock;
  /** Of the file that is being written. */
  #fd: number | undefined;
  #writtenBytes = 0;
  #files = 0;

  private constructor(folder: string, lock: Lock) {
    this.#folder = folder;
    this.#lock = lock;
  }

  /**
   * Makes a new one in the private folder `control`.
   *
   * @throws an error of the system, or a Failure `repository-unusable`
   */
  static async make(control: string): Promise<FolderAside> {
    const folder = join(control, `${PREFIX}${randomUUID()}`);
    const lock = await Lock.acquire({
      path: lockOf(folder),
      subject: folder,
      waitMs: 0,
      unusable: 'repository-unusable',
      notice: () => undefined,
    });
    return new FolderAside(folder, lock);
  }

  /** Removes what processes that died have left in `control`. */
  static async removeAbandoned(control: string): Promise<void> {
    for (const name of readdirSync(control)) {
      const folder = join(control, name);
      if (name.startsWith(PREFIX) && !Lock.isHeld(lockOf(folder)))
        await inTurns(removingTree(Buffer.from(folder)));
    }
  }

  write(chunk: Uint8Array): void {
    this.#fd ??= this.#begin(this.#pathOf(this.#files));
    writeAtSync(this.#fd, chunk, this.#writtenBytes);
    this.#writtenBytes += chunk.length;
  }

  keep(): void {
    this.#endFile();
    this.#files++;
  }

  /** The next file is written in its place. */
  drop(): void {
    if (this.#fd !== undefined) ftruncateSync(this.#fd);
    this.#writtenBytes = 0;
  }

  at(number: number): ContentAside {
    const movable = this.#pathOf(number);
    return { movable, content: contentOf(movable) };
  }

  async close(): Promise<void> {
    this.#endFile();
    try {
      await inTurns(removingTree(Buffer.from(this.#folder)));
    } catch (error) {
      // Whoever opens the repository next tries again.
      if (!isSystemError(error)) throw error;
    } finally {
      this.#lock.release();
    }
  }

  #begin(path: string): number {
    if (this.#files % FILES_IN_FOLDER === 0) mkdirSync(dirname(path), { mode: 0o700 });
    return openSync(path, NEW_FILE, 0o600);
  }

  #endFile(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#writtenBytes = 0;
  }

  #pathOf(number: number): string {
    return join(this.#folder, String(Math.floor(number / FILES_IN_FOLDER)), String(number));
  }
}

/** For whoever cannot move the file. */
async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new Failure('layer-vanished', `a file that was written aside cannot be read: ${messageOf(error)}`, {
      hint: 'run again: its layer is read then',
      cause: error,
    });
  }
}

function lockOf(folder: string): string {
  return join(folder, 'lock');
}
