import { closeSync, openSync, writeSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';
import { isSystemError } from '../../core/system-error.ts';

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
