import { localTimeWithSeconds } from '../../core/text.ts';
import { redact } from '../configuration/secrets.ts';
import type { OutputStream } from '../output/display.ts';

/** An event as it is logged. */
export interface LogRecord {
  /** As in syslog(3): 3 an error, 4 a warning, 5 of note, 6 for information, 7 for debugging. */
  readonly priority: 3 | 4 | 5 | 6 | 7;
  /** A sentence; it need not repeat the image and repository of `fields`. */
  readonly message: string;
  /** Named `image`, `repository`, `publication`, `code` and the like. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
}

export interface Log {
  /** Never throws: a failure to log must not stop the work. */
  readonly write: (record: LogRecord) => void;
}

/** Fields put in front of a message that does not name them, in this order. */
const SUBJECTS = ['repository', 'image'] as const;

/** The record as one line: its message, and what it is about unless the message says so itself. Secrets are hidden. */
export function recordText({ message, fields = {} }: LogRecord): string {
  const subjects = SUBJECTS.map((name) => fields[name] ?? '').filter(
    (subject) => subject !== '' && !isNamed(subject, message),
  );
  return redact(subjects.length === 0 ? message : `${subjects.join(' ')}: ${message}`);
}

/** For lines without fields: the record as {@link recordText} shows it, with the code of what failed (a bug has its stack). */
function lineText(record: LogRecord): string {
  const { code } = record.fields ?? {};
  const text = cut(recordText(record), TEXT_BYTES);
  return code === undefined || code === 'bug' ? text : `${text} [${code}]`;
}

/** `text` in at most `limitBytes` bytes of UTF-8, with a mark where something was cut off. */
export function cut(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limitBytes) return text;
  const mark = ` [cut, ${bytes.length} bytes in all]`;
  // A character that is torn apart becomes one that stands for nothing.
  const kept = bytes.subarray(0, limitBytes - mark.length).toString();
  return `${kept.replace(/\uFFFD$/, '')}${mark}`;
}

/** True if `message` names `subject` itself, not only a longer name. */
function isNamed(subject: string, message: string): boolean {
  const escaped = subject.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w./:@-])${escaped}(?![\w/@-]|[.:][\w@])`).test(message);
}

const NAMES: Readonly<Record<LogRecord['priority'], string>> = {
  3: 'error',
  4: 'warning',
  5: 'notice',
  6: 'info',
  7: 'debug',
};

/** The journal splits longer lines (`LineMax=` in journald.conf(5): 48 KiB). */
export const TEXT_BYTES = 32 * 1024;

/** Lines for people: the time in the zone of the process, what kind of message it is, the message. */
export function createLineLog(stream: OutputStream, now: () => Date): Log {
  return linesOn(stream, (priority) => `${localTimeWithSeconds(now().getTime())} ${NAMES[priority]} `);
}

/** Lines for readers that add times and understand priorities (sd-daemon(3)): `<4>a warning`. */
export function createPrefixedLog(stream: OutputStream): Log {
  return linesOn(stream, (priority) => `<${priority}>`);
}

function linesOn(stream: OutputStream, prefix: (priority: LogRecord['priority']) => string): Log {
  return {
    write: (record) => void stream.write(`${prefix(record.priority)}${lineText(record)}\n`),
  };
}
