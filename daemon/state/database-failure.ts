import { codeOf } from '../../core/system-error.ts';
import { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';

/** A database whose content is no longer what SQLite wrote: nothing in it can be relied on. */
export class Damaged extends Failure {
  constructor(path: string, reason: string, cause?: unknown) {
    super('state-unusable', `the database ${quoted(path)} is damaged: ${reason}`, {
      hint: 'start the daemon again, or run "unpackd rebuild": a new one is made from what is published',
      cause,
    });
  }
}

/** What the system or another process has to do with; anything else is a mistake in a statement. */
const UNUSABLE: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'another program keeps it locked',
  SQLITE_LOCKED: 'another program keeps it locked',
  SQLITE_PROTOCOL: 'other programs contend for its locks',
  SQLITE_READONLY: 'it may not be written',
  SQLITE_PERM: 'it may not be written',
  SQLITE_CANTOPEN: 'it cannot be opened',
  SQLITE_IOERR: 'it cannot be read or written',
};

/** What an error of sqlite3 means for users. */
export function databaseFailure(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') return new Damaged(path, error.message, error);
  if (code === 'SQLITE_FULL') {
    return new Failure('disk-full', `no space is left for the database ${quoted(path)}`, {
      hint: 'free space in the state directory',
      cause: error,
    });
  }
  const reason = UNUSABLE[code];
  if (reason === undefined) return error;
  return new Failure('state-unusable', `the database ${quoted(path)} cannot be used: ${reason} (${code})`, {
    hint: 'let the user of unpackd own the state directory, and end what else uses the database',
    cause: error,
  });
}
