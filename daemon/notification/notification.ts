import type { Observer } from '../../publisher/image/events.ts';
import { handleEvent } from '../output/event-handlers.ts';
import { createImageLines, createLayerLines } from './notification-lines.ts';
import type { Fields, Line } from './notification-lines.ts';
import { openLineFile } from './notification-file.ts';
import { redact } from '../configuration/redact.ts';

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
