import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../core/failure.ts';
import { InputPipe } from './input-pipe.ts';
import { killIfThere } from '../../../core/system/kill.ts';

/** Output kept of a command: its end, where the reason of a failure stands. */
const KEPT_OUTPUT_CHARACTERS = 16_384;
/** No command of cvmfs_server prints a line for each file: what prints more than this does not end. */
const LONGEST_OUTPUT_CHARACTERS = 64 * 1024 * 1024;
/** So many times the limit may a command print without taking any input. */
const PRINTING_LIMITS = 10;
/** Between asking a command to stop and killing it. */
const GRACE_MS = 5_000;
/** What hangs in the kernel (a dead mount, say) is not even killed. */
const UNKILLABLE_MS = 10_000;
/** For what is left in its pipes when a command has ended. Some process that it started may hold them for ever. */
const REST_MS = 1_000;

export interface CommandOptions {
  /**
   * The command is stopped when it neither takes input nor prints anything for so long, or does nothing but print for ten
   * times as long.
   */
  readonly idleLimitMs: number;
  readonly signal?: AbortSignal;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Fed to its standard input; without it the input is empty. */
  readonly input?: AsyncIterable<Uint8Array>;
}

/** How a command that did not succeed ended. */
export type CommandEnd =
  | { readonly kind: 'failed'; readonly status: string }
  | { readonly kind: 'stuck'; readonly afterMs: number }
  | { readonly kind: 'endless' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'input-failed'; readonly error: unknown };

/** A command that did not succeed, with the end of its output. */
export class CommandError extends Error {
  readonly end: CommandEnd;
  readonly output: string;

  constructor(command: string, end: CommandEnd, output: string) {
    super(`${command}: ${describe(end)}`);
    this.name = 'CommandError';
    this.end = end;
    this.output = output;
  }
}

/**
 * Runs a program to its end in a process group of its own, so that all of it can be stopped.
 *
 * It ends with the program, also where a process that this has started holds its output.
 *
 * @throws Failure `repository-unusable` where the program is not there; {@link CommandError} where it fails, gets stuck,
 *   prints without end, is interrupted or loses its input; then all of its processes that can be were killed
 */
export async function runCommand(command: readonly string[], options: CommandOptions): Promise<string> {
  const [program = '', ...words] = command;
  const env = { ...process.env, ...options.environment };
  const input = new InputPipe();
  const child = input.attach((readEnd) =>
    spawn(program, words, { detached: true, cwd: '/', env, stdio: [readEnd, 'pipe', 'pipe'] }),
  );
  const watched = new WatchedProcess(child, input, options);
  const end = await watched.end();
  if (end instanceof Error) throw notStarted(program, end);
  if (end !== undefined) throw new CommandError(command.slice(0, 2).join(' '), end, watched.output);
  return watched.output;
}

class WatchedProcess {
  output = '';
  readonly #child: ChildProcess;
  readonly #input: InputPipe;
  readonly #options: CommandOptions;
  #stopped: CommandEnd | undefined;
  #lastSign = performance.now();
  #lastInput = performance.now();
  #printedCharacters = 0;
  /** Waits no longer for a process that cannot be killed. */
  #giveUp: () => void = () => undefined;

  constructor(child: ChildProcess, input: InputPipe, options: CommandOptions) {
    this.#child = child;
    this.#input = input;
    this.#options = options;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
  }

  /** `undefined`: it succeeded. An error: it could not be started. */
  async end(): Promise<CommandEnd | Error | undefined> {
    const { signal } = this.#options;
    const exited = this.#exited();
    const interrupt = () => this.#stop({ kind: 'interrupted' });
    signal?.addEventListener('abort', interrupt, { once: true });
    if (signal?.aborted === true) interrupt();
    const watch = setInterval(() => this.#checkProgress(), 250);
    try {
      const [status] = await Promise.all([exited, this.#feed()]);
      if (this.#stopped !== undefined) return this.#stopped;
      if (status instanceof Error) return status;
      return status === 'exit 0' ? undefined : { kind: 'failed', status };
    } finally {
      clearInterval(watch);
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
    this.#input.close();
    if (status instanceof Error) return status;
    if (status !== 'exit 0') killGroup(this.#child, 'SIGKILL');
    const over = new AbortController();
    await Promise.race([closed, sleep(REST_MS, undefined, { signal: over.signal }).catch(() => undefined)]);
    over.abort();
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.destroy();
    this.#child.unref();
    return status;
  }

  /** Writes as fast as the command reads. It may stop reading early: then its exit says why. */
  async #feed(): Promise<void> {
    try {
      for await (const chunk of this.#options.input ?? []) {
        if (!(await this.#write(chunk))) return;
      }
      this.#input.close();
    } catch (error) {
      // The end of the input must not look like a complete one.
      this.#stop({ kind: 'input-failed', error });
    }
  }

  /** False: the command takes no more. */
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
    this.#lastSign = performance.now();
    this.output = (this.output + text).slice(-KEPT_OUTPUT_CHARACTERS);
    this.#printedCharacters += text.length;
    if (this.#printedCharacters > LONGEST_OUTPUT_CHARACTERS) this.#stop({ kind: 'endless' });
  }

  #checkProgress(): void {
    const { idleLimitMs } = this.#options;
    const now = performance.now();
    const afterMs = now - this.#lastSign;
    if (afterMs >= idleLimitMs) this.#stop({ kind: 'stuck', afterMs });
    if (now - this.#lastInput >= idleLimitMs * PRINTING_LIMITS) this.#stop({ kind: 'endless' });
  }

  #stop(reason: CommandEnd): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    killGroup(this.#child, 'SIGTERM');
    const force = setTimeout(() => killGroup(this.#child, 'SIGKILL'), GRACE_MS);
    const end = setTimeout(() => this.#giveUp(), GRACE_MS + UNKILLABLE_MS);
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

function notStarted(program: string, error: Error): Failure {
  return new Failure('repository-unusable', `${program} cannot be started: ${error.message}`, {
    hint: 'install CernVM-FS (package cvmfs-server), name the program with --cvmfs-server, or use --backend directory',
    cause: error,
  });
}

function describe(end: CommandEnd): string {
  switch (end.kind) {
    case 'failed':
      return `failed (${end.status})`;
    case 'stuck':
      return `made no progress for ${Math.round(end.afterMs / 1000)} s and was stopped`;
    case 'endless':
      return 'printed without end and was stopped';
    case 'interrupted':
      return 'was interrupted';
    case 'input-failed':
      return `was stopped, because its input failed: ${String(end.error)}`;
  }
}
