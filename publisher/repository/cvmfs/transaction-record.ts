import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { z } from 'zod';
import { parseIfValid } from '../../../core/json.ts';
import { readIfThereSync, removeWholeSync, writeWholeSync } from '../../../core/system/files.ts';
import { isSystemError } from '../../../core/system-error.ts';
import type { CvmfsRepository } from './installation.ts';

/** Identifies our open transaction on disk, so that the next start aborts it and nobody else's. */
const TransactionRecord = z.object({
  /** Tells the processes of the cvmfs_server command from all others. */
  mark: z.string(),
  /** When the command was about to start. */
  startedMs: z.number(),
  /** The transaction's lock file when it was seen: its inode and time of change. */
  lock: z.object({ inode: z.number(), changedMs: z.number() }).optional(),
});
type TransactionRecord = z.infer<typeof TransactionRecord>;

/** A lock that appeared so soon after our command began, while we could not look, is taken for ours. */
const UNSEEN_MS = 10_000;
const LOOK_MS = 50;
const CLOCK_TICK_MS = 10;

/** A record that is being kept while a command runs. */
export interface Recording {
  /** To be given to the command: whatever it starts is known by it, also when nobody is left who waits for it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command has ended. The record stays. */
  readonly stop: () => void;
}

/**
 * Notes that a command is about to open a transaction, or to end the one that is open and ours, and watches for it.
 * Call it before the command starts, and {@link forgetTransaction} when the transaction has ended.
 */
export function recordTransaction(repository: CvmfsRepository): Recording {
  const known = isOurTransaction(repository) ? lockIdentity(repository) : undefined;
  const record = { mark: randomUUID(), startedMs: Date.now(), ...(known && { lock: known }) };
  write(repository, record);
  let isSeen = false;
  const look = (): void => {
    const lock = isSeen ? undefined : lockIdentity(repository);
    if (lock === undefined) return;
    try {
      if (isSince(record.startedMs, lock.changedMs)) write(repository, { ...record, lock });
      isSeen = true;
    } catch (error) {
      // On a full disk the first record has to do: the command says what is wrong.
      if (!isSystemError(error)) throw error;
    }
  };
  const timer = setInterval(look, LOOK_MS);
  const stop = (): void => {
    clearInterval(timer);
    look();
  };
  return { environment: environmentOf(record), stop };
}

/** For a further command of the same kind, while nothing else is recorded. */
export function recordedEnvironment(repository: CvmfsRepository): Recording['environment'] {
  const record = read(repository);
  return record === undefined ? {} : environmentOf(record);
}

/** Returns true where a crash left a record, or a command of ours runs now. */
export function isRecorded({ record }: CvmfsRepository): boolean {
  return existsSync(record);
}

export function forgetTransaction(repository: CvmfsRepository): void {
  removeWholeSync(repository.record);
}

export function isInTransaction(repository: CvmfsRepository): boolean {
  return lockIdentity(repository) !== undefined;
}

/** Returns true where a process of ours opened the current transaction. */
export function isOurTransaction(repository: CvmfsRepository): boolean {
  const record = read(repository);
  const lock = lockIdentity(repository);
  if (record === undefined || lock === undefined) return false;
  if (record.lock !== undefined)
    return record.lock.inode === lock.inode && record.lock.changedMs === lock.changedMs;
  return isSince(record.startedMs, lock.changedMs) && lock.changedMs <= record.startedMs + UNSEEN_MS;
}

/** A lock from before the command is somebody else's. The times of files are those of a clock that lags behind. */
function isSince(startedMs: number, changedMs: number): boolean {
  return changedMs >= startedMs - CLOCK_TICK_MS;
}

/** Processes of our last command that outlived whoever started it. Those of other users are not seen. */
export function orphansOf(repository: CvmfsRepository): number[] {
  const record = read(repository);
  if (record === undefined) return [];
  const [entry = []] = Object.entries(environmentOf(record));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentEntries(name).includes(entry.join('=')))
    .map(Number);
}

function environmentOf({ mark }: TransactionRecord): Recording['environment'] {
  return { PUBLISHED_BY_UNPACKD: mark };
}

function environmentEntries(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return []; // It has ended meanwhile, or is somebody else's.
  }
}

function lockIdentity({
  transactionLock,
}: CvmfsRepository): { inode: number; changedMs: number } | undefined {
  const found = statSync(transactionLock, { throwIfNoEntry: false });
  return found === undefined ? undefined : { inode: found.ino, changedMs: found.mtimeMs };
}

function read({ record }: CvmfsRepository): TransactionRecord | undefined {
  const bytes = readIfThereSync(record);
  return bytes === undefined ? undefined : parseIfValid(TransactionRecord, bytes);
}

function write({ record }: CvmfsRepository, content: TransactionRecord): void {
  writeWholeSync(record, JSON.stringify(content));
}
