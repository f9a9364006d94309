import { spawn, type ChildProcess } from 'node:child_process';
import { interruption } from '../../../core/interruption.ts';
import { killIfThere } from '../../../core/system/kill.ts';
import { hasCode } from '../../../core/system-error.ts';
import type { Environment } from '../options.ts';

export interface HelperLimits {
  /** The helper's, with the PATH where it is looked for. */
  readonly environment: Environment;
  readonly timeLimitMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface HelperEnd {
  /** Standard output. */
  readonly output: string;
  /** What went wrong: words that follow the program's name, and hold nothing that it printed. */
  readonly problem: string | undefined;
}

const LARGEST_OUTPUT_BYTES = 1024 * 1024;

/**
 * Runs `PROGRAM get` with `input` on its standard input, in a process group of its own, of which nothing is left when
 * it takes too long or prints too much.
 *
 * @throws Failure `interrupted`
 */
export async function runHelper(program: string, input: string, limits: HelperLimits): Promise<HelperEnd> {
  const { environment, timeLimitMs, signal } = limits;
  if (signal?.aborted === true) throw interruption(signal);
  const child = spawn(program, ['get'], {
    env: environment,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return await new Promise<HelperEnd>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (problem: string | undefined): void => {
      release();
      resolve({ output: Buffer.concat(chunks).toString('utf8'), problem });
    };
    const stop = (problem: string): void => {
      settle(problem);
      end(child);
    };
    const interrupt = (): void => {
      release();
      if (signal !== undefined) reject(interruption(signal));
      end(child);
    };
    const timer = setTimeout(() => stop(`did not answer within ${timeLimitMs / 1000} s`), timeLimitMs);
    const release = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', interrupt);
    };

    signal?.addEventListener('abort', interrupt, { once: true });
    child.once('error', (error) => settle(describeStart(error)));
    child.once('close', (status, name) => settle(describeEnd(status, name)));
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > LARGEST_OUTPUT_BYTES) stop('printed more than 1 MiB');
    });
    // A helper may answer, or fail, without having read what it is asked.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Also where its processes let go of nothing: then the pipes are closed from this side. */
function end({ pid, stdin, stdout }: ChildProcess): void {
  if (pid !== undefined) killIfThere(-pid, 'SIGKILL');
  stdin?.destroy();
  stdout?.destroy();
}

function describeStart(error: Error): string {
  if (hasCode(error, 'ENOENT')) return 'is not in the PATH of unpackd';
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return `cannot be started${code}`;
}

function describeEnd(status: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (signal !== null) return `was ended by ${signal}`;
  return status === 0 ? undefined : `failed with exit status ${status}`;
}
