import type { OutputStream } from '../output/display.ts';
import { localTimeWithSeconds } from '../../core/text.ts';
import type { Log, LogRecord } from './record.ts';
import { cut, recordText } from './text.ts';

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
  return {
    write: (record) => {
      stream.write(
        `${localTimeWithSeconds(now().getTime())} ${NAMES[record.priority]} ${cut(recordText(record), TEXT_BYTES)}\n`,
      );
    },
  };
}

/** Lines for whoever adds times himself and understands priorities in front (sd-daemon(3)): `<4>a warning`. */
export function createPrefixedLog(stream: OutputStream): Log {
  return {
    write: (record) => {
      stream.write(`<${record.priority}>${cut(recordText(record), TEXT_BYTES)}\n`);
    },
  };
}
