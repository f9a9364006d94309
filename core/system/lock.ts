import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pause } from '../interruption.ts';
import { codeOf, isDiskFull } from '../system-error.ts';
import { Failure, isFailure } from '../failure.ts';
import { systemFailure, type StoragePlace } from '../system-failure.ts';
import { tryLock } from './libc.ts';

const POLL_MS = 200;
/** Whoever may open a lock file can hold the lock. */
const LOCK_MODE = 0o600;
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
const LOOK = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const LONGEST_HOLDER_BYTES = 32;

export interface LockRequest {
  /** The lock file; its folder is made where it is missing. */
  readonly path: string;
  /** Name of what the lock protects, for messages. */
  readonly subject: string;
  /** Longest wait for another holder. */
  readonly waitMs: number;
  /** Code of the failure where the folder or file cannot be made. */
  readonly unusable: StoragePlace['code'];
  readonly notice: (kind: 'waiting', message: string) => void;
  readonly signal?: AbortSignal;
}

/** A lock between processes that dies with its holder: flock(2) on a file that stays. */
export class Lock {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws Failure `repository-busy` when `waitMs` is over; `unusable`, `disk-full` where the file cannot be made */
  static async acquire(request: LockRequest): Promise<Lock> {
    const fd = openLockFile(request);
    try {
      await waitFor(fd, request);
      writeHolder(fd);
      return new Lock(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * Returns true where a process holds the lock at `path`. Nothing is created or written; without permission to look it
   * returns false.
   */
  static isHeld(path: string): boolean {
    let fd: number;
    try {
      fd = openSync(path, LOOK);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return false;
    }
    try {
      return !tryLock(fd);
    } finally {
      closeSync(fd);
    }
  }

  release(): void {
    closeSync(this.#fd);
  }
}

/** Does nothing where somebody else holds the lock that `work` takes. */
export async function unlessBusy(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFailure(error, 'repository-busy')) throw error;
  }
}

function openLockFile({ path, subject, unusable }: LockRequest): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const fd = openSync(path, OPEN, LOCK_MODE);
    if (fstatSync(fd).uid === process.geteuid?.()) fchmodSync(fd, LOCK_MODE);
    return fd;
  } catch (error) {
    const place = { path: dirname(path), code: unusable, outcome: `${subject} cannot be locked` };
    throw systemFailure(error, place);
  }
}

/**
 * `, last locked by process 7`, as the lock file says. Whoever holds the lock now need not have written it, so that of this
 * process nothing is said.
 */
function lastHolder(fd: number): string {
  const bytes = Buffer.alloc(LONGEST_HOLDER_BYTES);
  const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0)).trim();
  return /^\d+$/.test(text) && text !== String(process.pid) ? `, last locked by process ${text}` : '';
}

/** Only for the messages of those who wait: a full disk is nothing to fail for here. */
function writeHolder(fd: number): void {
  ftruncateSync(fd);
  try {
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

async function waitFor(fd: number, { subject, waitMs, notice, signal }: LockRequest): Promise<void> {
  const deadline = performance.now() + waitMs;
  let isReported = false;
  while (!tryLock(fd)) {
    if (performance.now() >= deadline) {
      throw new Failure('repository-busy', `${subject} is in use${lastHolder(fd)}`, {
        hint: 'wait for it to finish, or allow a longer --wait',
      });
    }
    if (!isReported) notice('waiting', `waiting until ${subject} is free${lastHolder(fd)}`);
    isReported = true;
    await pause(POLL_MS, signal);
  }
}
