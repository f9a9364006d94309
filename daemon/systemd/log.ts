import type { Environment } from '../configuration/options.ts';
import type { OutputStream } from '../output/display.ts';
import { createJournalLog, JOURNAL_SOCKET, leadsToJournal } from './journal.ts';
import { createLineLog, createPrefixedLog } from './lines.ts';
import type { Log } from './record.ts';

export interface LogOptions {
  readonly environment: Environment;
  readonly stderr: OutputStream;
  /** The descriptor behind `stderr`. */
  readonly descriptor?: number;
  /** Where the journal listens. */
  readonly journalSocket?: string;
  readonly now?: () => Date;
}

/**
 * The log of a service: records with fields where standard error leads to systemd's journal, readable lines with a time
 * everywhere else. Secrets are hidden in all of it.
 */
export function createLog({
  environment,
  stderr,
  descriptor = 2,
  journalSocket = JOURNAL_SOCKET,
  now = () => new Date(),
}: LogOptions): Log {
  if (!leadsToJournal(descriptor, environment)) return createLineLog(stderr, now);
  return createJournalLog(journalSocket, createPrefixedLog(stderr));
}
