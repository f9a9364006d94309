import { GitError, simpleGit, type SimpleGit } from 'simple-git';
import type { GitSource, SourceLimits } from '../source.ts';
import { gitEnvironment } from './environment.ts';

/** A command of git that failed. */
export class GitCommandError extends GitError {
  readonly exitCode: number;
  /** What git and what it started wrote to standard error; may hold secrets and control characters. */
  readonly stderr: string;

  constructor(exitCode: number, stderr: string) {
    super(undefined, `git ended with exit status ${exitCode}`);
    this.name = 'GitCommandError';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }

  /** Whether the time limit ended it. @see timeout(1), "EXIT status" */
  get isTooLate(): boolean {
    return this.exitCode === 124 || this.exitCode === 137;
  }

  /** Whether there is no git on this machine. */
  get isMissing(): boolean {
    return this.exitCode === 127;
  }
}

const KILL_AFTER_SECONDS = 5;

/**
 * Git in the bare repository `directory`, which must exist as a directory. Commands throw {@link GitCommandError}.
 *
 * Each command is started by timeout(1), with a process group of its own: at the time limit, or when the signal is
 * aborted, it ends the whole group, also where this process is gone by then.
 */
export function openGit(source: GitSource, directory: string, limits: SourceLimits): SimpleGit {
  const environment = gitEnvironment(source, directory, limits.environment);
  const seconds = limits.timeLimitMs / 1000;
  return simpleGit({
    baseDir: directory,
    binary: ['env', `-Stimeout -k ${KILL_AFTER_SECONDS} ${seconds} git`],
    // Output is whole only when the pipes are closed.
    completion: { onClose: true, onExit: false },
    errors: (_, { exitCode, stdErr }) =>
      exitCode === 0 ? undefined : new GitCommandError(exitCode, Buffer.concat(stdErr).toString('utf8')),
    allowEnvironment: Object.keys(environment),
    // What the library guards against would come from users: all of this is ours.
    unsafe: {
      allowUnsafeCustomBinary: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeHooksPath: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
    },
    ...(limits.signal && { abort: limits.signal }),
  }).env(environment);
}
