import { fstatSync } from 'node:fs';
import { hasCode } from '../../core/system-error.ts';
import type { Environment } from '../configuration/options.ts';
import { redact } from '../configuration/secrets.ts';
import type { OutputStream } from '../output/display.ts';
import { sendDatagram } from './datagram.ts';
import {
  type Log,
  type LogRecord,
  TEXT_BYTES,
  createLineLog,
  createPrefixedLog,
  cut,
  recordText,
} from './log.ts';

export interface LogOptions {
  readonly environment: Environment;
  readonly stderr: OutputStream;
  /** The descriptor behind `stderr`. */
  readonly descriptor?: number;
  /** Socket of the journal. */
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

/** @internal */
export const JOURNAL_SOCKET = '/run/systemd/journal/socket';

/** Value lengths, tried in turn until the socket takes the entry: its limit depends on the system. */
const LIMITS_BYTES = [TEXT_BYTES, 4096, 512] as const;

/** Whether the open file `descriptor` is the stream that systemd connected to the journal (`JOURNAL_STREAM`, systemd.exec(5)). @internal */
export function leadsToJournal(descriptor: number, { JOURNAL_STREAM: stream }: Environment): boolean {
  if (stream === undefined) return false;
  try {
    const { dev: device, ino: inode } = fstatSync(descriptor, { bigint: true });
    return stream === `${device}:${inode}`;
  } catch (error) {
    // Standard error may be closed.
    if (hasCode(error, 'EBADF')) return false;
    throw error;
  }
}

/** Records with their fields, by the journal's own protocol; what it does not take goes to `otherwise`. @internal */
export function createJournalLog(socket: string, otherwise: Log): Log {
  return {
    write: (record) => {
      for (const limitBytes of LIMITS_BYTES) {
        try {
          sendDatagram(socket, journalEntry(record, limitBytes));
          return;
        } catch (error) {
          if (!hasCode(error, 'EMSGSIZE')) break;
        }
      }
      otherwise.write(record);
    },
  };
}

/**
 * A record in the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), values cut to `limitBytes`. All of them
 * go with their lengths: that is right whatever a value holds.
 *
 * @internal
 */
export function journalEntry(record: LogRecord, limitBytes: number): Buffer {
  const fields = Object.entries(record.fields ?? {});
  const values: readonly (readonly [name: string, value: string])[] = [
    ['PRIORITY', String(record.priority)],
    ['SYSLOG_IDENTIFIER', 'unpackd'],
    ['MESSAGE', recordText(record)],
    ...fields.flatMap(([name, value]) =>
      value === undefined ? [] : [[fieldName(name), redact(value)] as const],
    ),
  ];
  return Buffer.concat(values.flatMap(([name, value]) => field(name, cut(value, limitBytes))));
}

function field(name: string, value: string): Buffer[] {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return [Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')];
}

/** `image` as UNPACKD_IMAGE, `nextTry` as UNPACKD_NEXT_TRY: capitals, digits and underscores are allowed. @internal */
export function fieldName(name: string): string {
  const words = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
  return `UNPACKD_${words.replace(/[^A-Z0-9_]/g, '_')}`;
}
