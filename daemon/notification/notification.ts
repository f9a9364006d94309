import { closeSync, openSync, writeSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import { isSystemError } from '../../core/system-error.ts';
import { quoted } from '../../core/text.ts';
import type { Observer } from '../../publisher/image/events.ts';
import { redact } from '../configuration/secrets.ts';
import { handleEvent } from '../output/event-handlers.ts';
import { type Fields, type Line, createImageLines, createLayerLines } from './notification-lines.ts';

export interface Notification {
  readonly observe: Observer;
  /** Ends what is still open, as failed, and writes the last line. */
  readonly close: () => void;
}

export interface NotificationOptions {
  readonly file: string;
  /** Whether no flat root file systems are made: their lines are left out then. */
  readonly skipFlat: boolean;
  /** Told once, when a line cannot be written. */
  readonly warn: (message: string) => void;
  readonly now?: () => Date;
}

/**
 * Appends DUCC's notification lines to a file: one JSON object a line, all values strings, one write a line.
 *
 * @throws Failure `configuration-invalid` where the file cannot be opened.
 * @see ducc/notification/notification.go of cvmfs, for the form of the lines
 */
export function openNotification({
  file,
  skipFlat,
  warn,
  now = () => new Date(),
}: NotificationOptions): Notification {
  const lineFile = openLineFile(file, warn);
  const write = (fields: Fields): void => lineFile.write(formatLine(fields, now()));
  const begin = (action: string, fields: Fields): Line => {
    const start = now();
    write({ ...fields, action });
    return {
      end: (endAction, more = {}) =>
        write({ ...fields, ...more, action: endAction, time_elapsed_s: formatElapsed(start, now()) }),
    };
  };

  const run = begin('start_ducc', { pid: String(process.pid) });
  const layers = createLayerLines(begin, write);
  const images = createImageLines(begin, write);
  return {
    observe: (event) => {
      handleEvent(layers.handlers, event);
      if (!skipFlat) handleEvent(images.handlers, event);
    },
    close: () => {
      layers.endAll();
      images.endAll();
      run.end('end_ducc');
      lineFile.close();
    },
  };
}

/** DUCC has keys in alphabetical order. */
function formatLine(fields: Fields, time: Date): string {
  const shown = Object.entries(fields).map(([key, value]): [string, string] => [key, redact(value)]);
  const entries = [...shown, ['time', formatTime(time)] as const].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(entries));
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Local time as DUCC writes it, Go's `_2 Jan 2006 - 15:04:05.000`: ` 3 Feb 2026 - 04:05:06.007`. */
export function formatTime(time: Date): string {
  const day = String(time.getDate()).padStart(2, ' ');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => digits(part, 2))
    .join(':');
  return `${day} ${MONTHS[time.getMonth()] ?? ''} ${time.getFullYear()} - ${clock}.${digits(time.getMilliseconds(), 3)}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

function formatElapsed(start: Date, end: Date): string {
  return ((end.getTime() - start.getTime()) / 1000).toFixed(6);
}

/** A file that lines are appended to, for readers that follow it. */
export interface LineFile {
  /** Appends `line` and a newline in one write, so that no reader and no other writer sees half a line. */
  readonly write: (line: string) => void;
  readonly close: () => void;
}

/**
 * @param warn is told once when a line cannot be written; later lines are tried all the same.
 * @throws Failure `configuration-invalid` where the file cannot be opened.
 */
export function openLineFile(file: string, warn: (message: string) => void): LineFile {
  const descriptor = open(file);
  let warned = false;
  return {
    write: (line) => {
      try {
        writeSync(descriptor, `${line}\n`);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        if (!warned) warn(`the notification file ${quoted(file)} cannot be written (${error.code})`);
        warned = true;
      }
    },
    close: () => closeSync(descriptor),
  };
}

function open(file: string): number {
  try {
    return openSync(file, 'a', 0o660);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Failure(
      'configuration-invalid',
      `the notification file ${quoted(file)} cannot be opened (${error.code})`,
      { hint: 'name a file in a directory that exists and may be written', cause: error },
    );
  }
}
