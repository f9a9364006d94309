import { readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { CvmfsRepository } from './installation.ts';

/** Which open transaction is ours, on disk, so that the next start may abort it and nobody else's. */
const TransactionRecord = z.object({
  /** Process group of the cvmfs_server command. */
  processGroup: z.number(),
  startedMs: z.number(),
  /** The transaction's lock file when it was seen: its inode and time of change. */
  lock: z.object({ inode: z.number(), changedMs: z.number() }).optional(),
});
type TransactionRecord = z.infer<typeof TransactionRecord>;

/** A lock that appeared so soon after our command began, while we could not look, is taken for ours. */
const UNSEEN_MS = 10_000;
const LOOK_MS = 50;

/** Notes that a command is about to open a transaction, and watches for it. Call {@link forgetTransaction} at its end. */
export function recordTransaction(repository: CvmfsRepository, processGroup: number): { stop: () => void } {
  const record = { processGroup, startedMs: Date.now() };
  write(repository, record);
  const timer = setInterval(() => {
    const lock = lockIdentity(repository);
    if (lock === undefined) return;
    clearInterval(timer);
    write(repository, { ...record, lock });
  }, LOOK_MS);
  return { stop: () => clearInterval(timer) };
}

export function forgetTransaction(repository: CvmfsRepository): void {
  rmSync(repository.record, { force: true });
}

export function isInTransaction(repository: CvmfsRepository): boolean {
  return lockIdentity(repository) !== undefined;
}

/** Whether the transaction that is open now is one that a process of ours opened. */
export function isOurTransaction(repository: CvmfsRepository): boolean {
  const record = read(repository);
  const lock = lockIdentity(repository);
  if (record === undefined || lock === undefined) return false;
  if (record.lock !== undefined)
    return record.lock.inode === lock.inode && record.lock.changedMs === lock.changedMs;
  return lock.changedMs >= record.startedMs && lock.changedMs <= record.startedMs + UNSEEN_MS;
}

/** Processes of our last command that outlived whoever started it. */
export function orphansOf(repository: CvmfsRepository): number[] {
  const record = read(repository);
  if (record === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => belongsTo(pid, record.processGroup, repository.name))
    .map(Number);
}

function belongsTo(pid: string, processGroup: number, name: string): boolean {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[2]) === processGroup && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name);
  } catch {
    return false; // It has ended meanwhile.
  }
}

function lockIdentity({
  transactionLock,
}: CvmfsRepository): { inode: number; changedMs: number } | undefined {
  const found = statSync(transactionLock, { throwIfNoEntry: false });
  return found === undefined ? undefined : { inode: found.ino, changedMs: found.mtimeMs };
}

function read({ record }: CvmfsRepository): TransactionRecord | undefined {
  try {
    return TransactionRecord.parse(JSON.parse(readFileSync(record, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing || error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

function write({ record }: CvmfsRepository, content: TransactionRecord): void {
  const temporary = `${record}.part`;
  writeFileSync(temporary, JSON.stringify(content), { flush: true });
  renameSync(temporary, record);
}
