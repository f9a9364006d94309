import { closeSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../../core/system-error.ts';
import { makePipe } from '../../../core/system/libc.ts';

/**
 * A pipe's usual 64 KiB make reader and writer wake each other up for every few blocks: on a busy release manager that
 * costs a tenth of the processor time of an ingest.
 */
const CAPACITY_BYTES = 1024 * 1024;
/** A full pipe is left alone for so long, so that the next write is a large one. */
const FULL_PAUSE_MS = 4;

/** The standard input of a command, seen from both sides. */
export class InputPipe {
  readonly #writeEnd: number;
  #readEnd: number | undefined;
  #isOpen = true;

  constructor() {
    const { readEnd, writeEnd } = makePipe(CAPACITY_BYTES);
    this.#readEnd = readEnd;
    this.#writeEnd = writeEnd;
  }

  /** Gives the end that the command reads from to `start`. From then on only the command holds it. */
  attach<T>(start: (readEnd: number) => T): T {
    if (this.#readEnd === undefined) throw new Error('the pipe is attached already');
    try {
      return start(this.#readEnd);
    } finally {
      closeSync(this.#readEnd);
      this.#readEnd = undefined;
    }
  }

  /**
   * Writes a part of `bytes`, as much as there is room for, and answers how much: 0 after a pause, where there was no
   * room. `undefined`: nobody reads any more, or the input is closed.
   */
  async write(bytes: Uint8Array): Promise<number | undefined> {
    if (!this.#isOpen) return undefined;
    try {
      const written = writeSync(this.#writeEnd, bytes);
      // A command that reads as fast as we write must not keep us from everything else.
      await nextTurn();
      return written;
    } catch (error) {
      if (hasCode(error, 'EPIPE')) return undefined;
      if (!hasCode(error, 'EAGAIN')) throw error;
      await sleep(FULL_PAUSE_MS);
      return 0;
    }
  }

  /** Ends the input. */
  close(): void {
    if (this.#isOpen) closeSync(this.#writeEnd);
    this.#isOpen = false;
  }
}
