import { redact } from '../configuration/redact.ts';
import type { LogRecord } from './record.ts';

/** What stands in front of a message that does not name it, in this order. */
const SUBJECTS = ['repository', 'image'] as const;

/** The record as one line: its message, and what it is about unless the message says so itself. Secrets are hidden. */
export function recordText({ message, fields = {} }: LogRecord): string {
  const subjects = SUBJECTS.map((name) => fields[name]).filter(
    (subject): subject is string => subject !== undefined && subject !== '' && !isNamed(subject, message),
  );
  return redact(subjects.length === 0 ? message : `${subjects.join(' ')}: ${message}`);
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

/** Whether `subject` stands in `message`, and not only as a part of a longer name. */
function isNamed(subject: string, message: string): boolean {
  return new RegExp(String.raw`(?<![\w./:@-])${escaped(subject)}(?![\w/@-]|[.:][\w@])`).test(message);
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
