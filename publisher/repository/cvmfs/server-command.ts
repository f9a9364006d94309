import { spawn, type ChildProcess } from 'node:child_process';
import { Failure } from '../../../wishlist/failure.ts';

/** Output kept of a command: its end, where the reason of a failure stands. */
const KEPT_OUTPUT_CHARACTERS = 16_384;
/** Between asking a command to stop and killing it. */
const GRACE_MS = 5_000;

export interface CommandOptions {
  /** The command is stopped when it neither takes input nor prints anything for so long. */
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
 * @throws Failure `repository-unusable` where the program is not there; {@link CommandError} where it fails, gets stuck,
 *   is interrupted or loses its input; then none of its processes is left
 */
export async function runCommand(command: readonly string[], options: CommandOptions): Promise<string> {
  const [program = '', ...words] = command;
  const env = { ...process.env, ...options.environment };
  const child = spawn(program, words, { detached: true, cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'] });
  const watched = new WatchedProcess(child, options);
  const end = await watched.end();
  if (end instanceof Error) throw notStarted(program, end);
  if (end !== undefined) throw new CommandError(command.slice(0, 2).join(' '), end, watched.output);
  return watched.output;
}

class WatchedProcess {
  output = '';
  readonly #child: ChildProcess;
  readonly #options: CommandOptions;
  #stopped: CommandEnd | undefined;
  #lastSign = performance.now();

  constructor(child: ChildProcess, options: CommandOptions) {
    this.#child = child;
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
    const watch = setInterval(() => this.#checkIdle(), 250);
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
    return await new Promise((resolve) => {
      this.#child.once('error', resolve);
      this.#child.once('close', (code, signal) =>
        resolve(signal === null ? `exit ${code}` : `signal ${signal}`),
      );
    });
  }

  /** Writes as fast as the command reads. It may stop reading early: then its exit says why. */
  async #feed(): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === null) return;
    let closed = false;
    stdin.once('close', () => (closed = true)).once('error', () => (closed = true));
    try {
      for await (const chunk of this.#options.input ?? []) {
        if (closed || this.#stopped !== undefined) return;
        if (!stdin.write(chunk)) await drained(stdin, this.#child);
        this.#lastSign = performance.now();
      }
      stdin.end();
    } catch (error) {
      // The end of the input must not look like a complete one.
      this.#stop({ kind: 'input-failed', error });
    }
  }

  #hear(text: string): void {
    this.#lastSign = performance.now();
    this.output = (this.output + text).slice(-KEPT_OUTPUT_CHARACTERS);
  }

  #checkIdle(): void {
    const afterMs = performance.now() - this.#lastSign;
    if (afterMs >= this.#options.idleLimitMs) this.#stop({ kind: 'stuck', afterMs });
  }

  #stop(reason: CommandEnd): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    killGroup(this.#child, 'SIGTERM');
    const force = setTimeout(() => killGroup(this.#child, 'SIGKILL'), GRACE_MS);
    this.#child.once('close', () => {
      clearTimeout(force);
      killGroup(this.#child, 'SIGKILL');
    });
  }
}

async function drained(stdin: NodeJS.WritableStream, child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      stdin.off('drain', done).off('close', done);
      child.off('close', done);
      resolve();
    };
    stdin.once('drain', done).once('close', done);
    child.once('close', done);
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
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
    case 'interrupted':
      return 'was interrupted';
    case 'input-failed':
      return `was stopped, because its input failed: ${String(end.error)}`;
  }
}
