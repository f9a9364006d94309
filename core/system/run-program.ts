import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../system-error.ts';
import { makePipe, unreadBytes } from './libc.ts';

/** Programs that we start never print more and then end. */
const LONGEST_OUTPUT_CHARACTERS = 64 * 1024 * 1024;
/** A program may print for this many idle limits without taking any input. */
const PRINTING_LIMITS = 10;
/** A process that hangs in the kernel (on a dead mount, say) does not even end when killed. */
const UNKILLABLE_MS = 10_000;
/** Wait for the rest of the output when a program has ended: some process that it started may hold its pipes for ever. */
const REST_MS = 1_000;

export interface RunOptions {
  /** Environment of the program; by default that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Fed to its standard input, which is empty by default. */
  readonly input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /**
   * Gets the time, in ms, for which its input was empty although it had not ended, each time that some is over. Too long
   * by 10 ms at most each time, unless this process was too busy to look; never too short.
   */
  readonly onInputWait?: (waitMs: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Stop it after this long. */
  readonly timeLimitMs?: number;
  /** Stop it when it neither takes input nor prints for this long, or does nothing but print for ten times as long. */
  readonly idleLimitMs?: number;
  /** Stop it when it prints more. */
  readonly outputLimitCharacters?: number;
  /** Keep only this much of its output, the end. */
  readonly keptCharacters?: number;
  /** Drop what it writes to standard error. */
  readonly dropsErrors?: boolean;
  /** Time between SIGTERM and SIGKILL when it is stopped. */
  readonly graceMs?: number;
  /** Wait this long for output of processes that outlive it. */
  readonly restMs?: number;
}

/** End of a program that did not succeed. */
export type ProgramEnd =
  | { readonly kind: 'not-started'; readonly error: Error }
  /** `exit 1`, `signal SIGKILL` */
  | { readonly kind: 'failed'; readonly status: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'stuck'; readonly afterMs: number }
  | { readonly kind: 'endless' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'input-failed'; readonly error: unknown };

export interface ProgramResult {
  /** Of both streams in the order of arrival. */
  readonly output: string;
  /** `undefined` where it succeeded. */
  readonly end: ProgramEnd | undefined;
}

/**
 * Runs a program at `/`, in its own process group, so that all of it can be stopped. Returns when the program has ended,
 * even while a process that it started holds its output. When it failed or was stopped, its group is killed.
 */
export async function runProgram(
  command: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const [program = '', ...words] = command;
  const { environment: env = process.env, dropsErrors } = options;
  const input = new InputPipe(options.onInputWait);
  const child = input.attach((readEnd) => {
    const errors = dropsErrors === true ? 'ignore' : 'pipe';
    return spawn(program, words, { detached: true, cwd: '/', env, stdio: [readEnd, 'pipe', errors] });
  });
  const watched = new WatchedProcess(child, input, options);
  const end = await watched.end();
  return { output: watched.output, end };
}

/** Sends a signal to a process, or to a process group (a negative number), unless it has ended. */
export function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

class WatchedProcess {
  output = '';
  readonly #child: ChildProcess;
  readonly #input: InputPipe;
  readonly #options: RunOptions;
  readonly #stopping = new AbortController();
  #stopped: ProgramEnd | undefined;
  #hasEnded = false;
  #lastSign = performance.now();
  #lastInput = performance.now();
  #printedCharacters = 0;
  /** Stops waiting for a process that cannot be killed. */
  #giveUp: () => void = () => undefined;

  constructor(child: ChildProcess, input: InputPipe, options: RunOptions) {
    this.#child = child;
    this.#input = input;
    this.#options = options;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
  }

  async end(): Promise<ProgramEnd | undefined> {
    const { signal, timeLimitMs } = this.#options;
    const exited = this.#exited();
    const interrupt = (): void => this.#stop({ kind: 'interrupted' });
    signal?.addEventListener('abort', interrupt, { once: true });
    if (signal?.aborted === true) interrupt();
    const watch = setInterval(() => this.#checkProgress(), 250);
    const late =
      timeLimitMs === undefined ? undefined : setTimeout(() => this.#stop({ kind: 'late' }), timeLimitMs);
    try {
      const [status] = await Promise.all([exited, this.#feed()]);
      if (this.#stopped !== undefined) return this.#stopped;
      if (status instanceof Error) return { kind: 'not-started', error: status };
      return status === 'exit 0' ? undefined : { kind: 'failed', status };
    } finally {
      clearInterval(watch);
      clearTimeout(late);
      signal?.removeEventListener('abort', interrupt);
    }
  }

  async #exited(): Promise<string | Error> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    const status = await new Promise<string | Error>((resolve) => {
      this.#child.once('error', resolve);
      this.#child.once('exit', (code, signal) =>
        resolve(signal === null ? `exit ${code}` : `signal ${signal}`),
      );
      this.#giveUp = () => resolve('not ended');
    });
    this.#hasEnded = true;
    this.#input.close();
    if (status instanceof Error) return status;
    if (status !== 'exit 0') killGroup(this.#child, 'SIGKILL');
    await this.#rest(closed);
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.destroy();
    this.#child.unref();
    return status;
  }

  /** Waits for the rest of the output, unless that takes too long. */
  async #rest(closed: Promise<unknown>): Promise<void> {
    const restMs = this.#stopped === undefined ? (this.#options.restMs ?? REST_MS) : REST_MS;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopping.signal]);
    const waiting = this.#stopped === undefined ? { signal } : { signal: over.signal };
    await Promise.race([closed, sleep(restMs, undefined, waiting).catch(() => undefined)]);
    over.abort();
  }

  /** Writes as fast as the program reads. It may stop reading early: then its exit says why. */
  async #feed(): Promise<void> {
    const { input, onInputWait } = this.#options;
    const looks = onInputWait && setInterval(() => this.#input.look(), LOOK_MS);
    try {
      for await (const chunk of input ?? []) {
        if (!(await this.#write(chunk))) return;
      }
      this.#input.close();
    } catch (error) {
      // The end of the input must not look like a complete one.
      this.#stop({ kind: 'input-failed', error });
    } finally {
      clearInterval(looks);
    }
  }

  /** Returns false where the program takes no more. */
  async #write(chunk: Uint8Array): Promise<boolean> {
    for (let written = 0; written < chunk.length;) {
      if (this.#stopped !== undefined) return false;
      const taken = await this.#input.write(written === 0 ? chunk : chunk.subarray(written));
      if (taken === undefined) return false;
      if (taken > 0) this.#lastSign = this.#lastInput = performance.now();
      written += taken;
    }
    return true;
  }

  #hear(text: string): void {
    const { keptCharacters = Infinity, outputLimitCharacters = LONGEST_OUTPUT_CHARACTERS } = this.#options;
    this.#lastSign = performance.now();
    this.output += text;
    if (this.output.length > keptCharacters) this.output = this.output.slice(-keptCharacters);
    this.#printedCharacters += text.length;
    if (this.#printedCharacters > outputLimitCharacters) this.#stop({ kind: 'endless' });
  }

  #checkProgress(): void {
    const { idleLimitMs = Infinity } = this.#options;
    const now = performance.now();
    const afterMs = now - this.#lastSign;
    if (afterMs >= idleLimitMs) this.#stop({ kind: 'stuck', afterMs });
    if (now - this.#lastInput >= idleLimitMs * PRINTING_LIMITS) this.#stop({ kind: 'endless' });
  }

  #stop(reason: ProgramEnd): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    const { graceMs = 0 } = this.#options;
    killGroup(this.#child, graceMs === 0 || this.#hasEnded ? 'SIGKILL' : 'SIGTERM');
    this.#stopping.abort();
    if (this.#hasEnded) return;
    const force = setTimeout(() => killGroup(this.#child, 'SIGKILL'), graceMs);
    const end = setTimeout(() => this.#giveUp(), graceMs + UNKILLABLE_MS);
    this.#child.once('exit', () => {
      clearTimeout(force);
      clearTimeout(end);
      killGroup(this.#child, 'SIGKILL');
    });
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) killIfThere(-child.pid, signal);
}

/**
 * A pipe's usual 64 KiB make reader and writer wake each other up for every few blocks: on a busy release manager that
 * costs a tenth of the processor time of an ingest.
 */
const CAPACITY_BYTES = 1024 * 1024;
/** A full pipe is left alone for so long, so that the next write is a large one. */
const FULL_PAUSE_MS = 4;
/** Time between two looks at whether the pipe is empty. */
const LOOK_MS = 10;

/** The standard input of a command, seen from both sides. */
class InputPipe {
  readonly #writeEnd: number;
  readonly #onWait: RunOptions['onInputWait'];
  #readEnd: number | undefined;
  #isOpen = true;
  #lookedMs = performance.now();

  constructor(onWait?: RunOptions['onInputWait']) {
    this.#onWait = onWait;
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
      this.look();
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

  /**
   * Reports the time since the last look as one of waiting where the pipe is empty. Between writes it can only drain, so
   * that one which holds something now has done so all the time.
   */
  look(): void {
    if (this.#onWait === undefined || !this.#isOpen) return;
    const nowMs = performance.now();
    if (unreadBytes(this.#writeEnd) === 0) this.#onWait(nowMs - this.#lookedMs);
    this.#lookedMs = nowMs;
  }

  /** Ends the input. */
  close(): void {
    if (!this.#isOpen) return;
    this.look();
    closeSync(this.#writeEnd);
    this.#isOpen = false;
  }
}
