import { Failure } from '../../../core/failure.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import { runProgram, type ProgramEnd, type RunOptions } from '../../../core/system/run-program.ts';

/** Kept of the output of a command: its end, where the reason of a failure stands. */
const KEPT_CHARACTERS = 16_384;
const GRACE_MS = 5_000;

/** Release of CernVM-FS, as far as it decides what the server can do. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
}

export interface CommandOptions extends Pick<RunOptions, 'signal' | 'input'> {
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

function isSince(version: ServerVersion | undefined, major: number, minor: number): boolean {
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

/** Paths that go, by who can take them away. */
export interface Deletions {
  /** `cvmfs_server ingest`, in the same step in which it adds. */
  readonly byIngest: readonly BytePath[];
  /** Only a union transaction. */
  readonly byUnion: readonly BytePath[];
}

/** `ingest` hands the paths to a shell without quotes. */
const PLAIN = /^[A-Za-z0-9._/@+=-]+$/;
/** It joined them by colons before 2.13, and by `///` since then: cvmfs/cvmfs#3792. */
const PLAIN_SINCE_2_13 = /^[A-Za-z0-9._/@+=:-]+$/;
const DELIMITER_BYTES = 3;
/** The whole command that the shell is given is one argument, which Linux limits to 128 KiB. */
const LONGEST_BYTES = 96 * 1024;

/** @param readVersion asked only where the answer depends on it */
export async function divideDeletions(
  paths: readonly BytePath[],
  readVersion: () => Promise<ServerVersion | undefined>,
): Promise<Deletions> {
  const takesColons = paths.some((path) => path.includes(':')) && isSince(await readVersion(), 2, 13);
  const plain = takesColons ? PLAIN_SINCE_2_13 : PLAIN;
  const byIngest: BytePath[] = [];
  const byUnion: BytePath[] = [];
  let bytes = 0;
  for (const path of paths) {
    const more = path.length + DELIMITER_BYTES;
    const fits = plain.test(path) && bytes + more <= LONGEST_BYTES;
    if (fits) bytes += more;
    (fits ? byIngest : byUnion).push(path);
  }
  return { byIngest, byUnion };
}
