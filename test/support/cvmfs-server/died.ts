import { writeSync } from 'node:fs';

/** Ends the command: `message` goes to standard error, `exitCode` is that of the process. */
export class Died extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'Died';
    this.exitCode = exitCode;
  }
}

export function say(line: string): void {
  write(1, line);
}

export function complain(line: string): void {
  write(2, line);
}

/** Synchronous, so that nothing is lost where the process is killed or ends right after. */
function write(descriptor: number, line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      if (hasCode(error, 'EPIPE')) return;
      // The pipe is full until its reader gets his turn.
      if (!hasCode(error, 'EAGAIN')) throw error;
    }
  }
}

/** Whether `error` is a system error with one of `codes`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
