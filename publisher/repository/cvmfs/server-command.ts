import { Failure } from '../../../core/failure.ts';
import { runProgram, type ProgramEnd, type RunOptions } from '../../../core/system/run-program.ts';

/** Kept of the output of a command: its end, where the reason of a failure stands. */
const KEPT_CHARACTERS = 16_384;
const GRACE_MS = 5_000;

/** Release of CernVM-FS, as far as it decides what the server can do. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
}

export interface CommandOptions extends Pick<RunOptions, 'signal' | 'input' | 'onInputWait'> {
  readonly idleLimitMs: number;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** End of a command that was started and did not succeed. */
type CommandEnd = Exclude<ProgramEnd, { kind: 'not-started' }>;

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
 * Runs a command of cvmfs_server to its end; see {@link runProgram}.
 *
 * @throws Failure `repository-unusable` where the program is not there; {@link CommandError} where it does not succeed
 */
export async function runCommand(command: readonly string[], options: CommandOptions): Promise<string> {
  const { output, end } = await runProgram(command, {
    ...options,
    environment: { ...process.env, ...options.environment },
    keptCharacters: KEPT_CHARACTERS,
    graceMs: GRACE_MS,
  });
  if (end?.kind === 'not-started') throw notStarted(command[0] ?? '', end.error);
  if (end !== undefined) throw new CommandError(command.slice(0, 2).join(' '), end, output);
  return output;
}

const VERSION_TIME_LIMIT_MS = 30_000;
const TITLE = /^CernVM-FS Server Tool v?(\d+)\.(\d+)/m;

/**
 * Reads the release of `command`; `undefined` where it does not say, or cannot be started. No release has an option for
 * it, but each names it at the head of its usage, which it prints for what it does not know.
 *
 * @see cvmfs/cvmfs, cvmfs/server/cvmfs_server_util.sh, `usage`
 */
export async function readServerVersion(command: string): Promise<ServerVersion | undefined> {
  const options = { timeLimitMs: VERSION_TIME_LIMIT_MS, dropsErrors: true };
  const { output } = await runProgram([command, '--version'], options);
  const [, major, minor] = TITLE.exec(output) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

export function isSince(version: ServerVersion | undefined, major: number, minor: number): boolean {
  if (version === undefined) return false;
  return version.major > major || (version.major === major && version.minor >= minor);
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
    case 'late':
      return 'took too long and was stopped';
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
