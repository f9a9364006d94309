import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../daemon/cli/run.ts';
import { PATIENCE_MS } from '../patience.ts';
import { ofAnyUser } from '../any-user.ts';

/** How a run of the command line ended. */
export interface Outcome {
  /** `undefined` where a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The most memory that it held, `VmHWM` of proc(5). */
  readonly peakBytes: number;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Without the records of coverage, which a process that is killed does not write anyway. */
  readonly uncovered?: boolean;
  /** Of Node's own, before the program. */
  readonly nodeOptions?: readonly string[];
}

/** The compiled command line. */
export const MAIN = 'daemon/cli/main.js';
const COMPILED = {
  node: process.execPath,
  main: fileURLToPath(new URL(`../../../${MAIN}`, import.meta.url)),
};
/** TEST_MAIN and TEST_NODE name another build of it, and the Node that runs that: those of a package. */
const { TEST_MAIN = COMPILED.main, TEST_NODE = COMPILED.node } = process.env;
const PACKAGED = { node: TEST_NODE, main: TEST_MAIN };

/** A run of the command line that goes on. */
export class Running {
  readonly child: ChildProcess;
  /** What it has written so far to standard error. */
  stderr = '';
  readonly #ended: Promise<Outcome>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => (this.stderr += piece));
    this.#ended = this.#watch();
  }

  async ended(): Promise<Outcome> {
    return await this.#ended;
  }

  /** Waits until `isReached`. @throws Error where the run ends before, or does not come to it */
  async until(isReached: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await isReached())) {
      if (performance.now() > deadline)
        throw new Error(`unpackd has not come to it within ${PATIENCE_MS / 1000} s: ${this.stderr}`);
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`unpackd ended too early: ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async #watch(): Promise<Outcome> {
    const { child } = this;
    if (child.stdout === null) throw new Error('its output must be a pipe');
    let peakBytes = 0;
    const watch = setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid))), 20);
    try {
      const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')]);
      return {
        status: child.exitCode ?? undefined,
        stdout,
        stderr: warningsOfAnyUser(this.stderr),
        peakBytes,
      };
    } finally {
      clearInterval(watch);
    }
  }
}

/** Starts `unpackd` with `words`, as the leader of a process group of its own. */
export function start(words: readonly string[], options: RunOptions = {}): Running {
  const { nodeOptions = [], environment = {} } = options;
  // What is loaded before it changes modules, of which a bundle has its own.
  const isChanged = nodeOptions.length > 0 || 'NODE_OPTIONS' in environment;
  const { node, main } = isChanged ? COMPILED : PACKAGED;
  const child = spawn(node, [...nodeOptions, main, ...words], {
    env: environmentOf(options),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return new Running(child);
}

export async function run(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return await start(words, options).ended();
}

/** Of a run in this process: its peak of memory is not known. */
export type OutcomeHere = Omit<Outcome, 'peakBytes'>;

/**
 * Runs a command in this process instead of one of its own: all but the start, which takes most of
 * the time of a small run.
 */
export async function runHere(words: readonly string[]): Promise<OutcomeHere> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const { signal } = new AbortController();
  const environment = environmentOf({});
  const surroundings = { version: 'test', environment, stdout, stderr, signal };
  const status = await runUnpackd(words, COMMANDS, surroundings);
  for (const stream of [stdout, stderr]) stream.end();
  const [out, err] = await texts;
  return { status, stdout: out, stderr: warningsOfAnyUser(err) };
}

function warningsOfAnyUser(stderr: string): string {
  const isWarning = (line: string): boolean => line.startsWith('warning: ');
  return stderr
    .split('\n')
    .filter((line) => !isWarning(line) || ofAnyUser([line]).length > 0)
    .join('\n');
}

/** The environment of all tests, without what is said to tests themselves. */
export function environmentOf({ environment = {}, uncovered = false }: RunOptions): NodeJS.ProcessEnv {
  const own = uncovered ? /^(?:UNPACKD_(?!CONFIG$)|NODE_V8_COVERAGE$)/ : /^UNPACKD_(?!CONFIG$)/;
  const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(kept), XDG_RUNTIME_DIR: '/nonexistent', ...environment };
}

function peakOf(pid: number | undefined): number {
  try {
    const [, kib] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib ?? 0) * 1024;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code)))
      return 0;
    throw error;
  }
}
