import { GitError, simpleGit, type SimpleGit } from 'simple-git';
import { MAXIMUM_BYTES } from '../../recipe/text-file.ts';
import type { SourceLimits } from '../source.ts';
import type { GitSettings } from './settings.ts';
import { fetchingEnvironment, readingEnvironment } from './environment.ts';

/** A command of git that failed. */
export class GitCommandError extends GitError {
  readonly exitCode: number;
  /** The standard error of git and its children; may hold secrets and control characters. */
  readonly stderr: string;

  constructor(exitCode: number, stderr: string) {
    super(undefined, `git ended with exit status ${exitCode}`);
    this.name = 'GitCommandError';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }

  /** Killed by the time limit. @see timeout(1), "EXIT status" */
  get isTooLate(): boolean {
    return this.exitCode === 124 || this.exitCode === 137;
  }

  /** There is no git on this machine, or nothing to start it with. */
  get isMissing(): boolean {
    return this.exitCode === 127;
  }

  /** Killed by a limit on its output or memory. */
  get isTooLarge(): boolean {
    return this.exitCode === TOO_TALKATIVE || /File too large|Out of memory|malloc failed/.test(this.stderr);
  }
}

const KILL_AFTER_SECONDS = 5;
/** Address space of each process: a pack itself says how large it unpacks. */
const MEMORY_BYTES = 1024 ** 3;
/** A recipe, and what stands around it. */
const MOST_OUTPUT_BYTES = MAXIMUM_BYTES + 64 * 1024;
/** Servers may send any text for people. */
const MOST_TALK_BYTES = 256 * 1024;
/** The exit status that stands for it: git itself has none above 128. */
const TOO_TALKATIVE = 999;

/**
 * Git for the bare repository `directory` of unpackd's own, which must exist as a directory: it fetches from `source`
 * and nothing else.
 */
export function openGit(source: GitSettings, directory: string, limits: SourceLimits): Git {
  return new Git(directory, fetchingEnvironment(source, directory, limits.environment), limits);
}

/**
 * Git for the repository whose `.git` is `gitDirectory`, a directory or a file that names one. It only reads, fetches
 * nothing, and runs nothing, whatever is configured there.
 */
export function openGitForReading(gitDirectory: string, limits: SourceLimits): Git {
  return new Git('/', readingEnvironment(gitDirectory, limits.environment), limits);
}

/**
 * The one way in which unpackd starts git. Each command is started by timeout(1), in its own process group: at the
 * time limit, when the signal is aborted, or when it says too much, that ends the whole group, also where this process is
 * gone by then. Methods throw {@link GitCommandError}.
 */
export class Git {
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #limits: SourceLimits;

  constructor(folder: string, environment: Readonly<Record<string, string>>, limits: SourceLimits) {
    this.#folder = folder;
    this.#environment = environment;
    this.#limits = limits;
  }

  /** Returns the output of a command. */
  async run(...words: readonly string[]): Promise<string> {
    return await this.#start(async (git) => await git.raw([...words]));
  }

  async blob(object: string): Promise<Buffer> {
    const bytes = await this.#start(async (git) => (await git.binaryCatFile(['blob', object])) as unknown);
    if (!Buffer.isBuffer(bytes)) throw new Error('the library gave no bytes');
    return bytes;
  }

  async #start<Value>(command: (git: SimpleGit) => Promise<Value>): Promise<Value> {
    const { timeLimitMs, sizeLimitBytes, signal } = this.#limits;
    const flood = new AbortController();
    const limits = `prlimit --fsize=${sizeLimitBytes} --as=${MEMORY_BYTES} --core=0`;
    const git = simpleGit({
      baseDir: this.#folder,
      binary: [
        'env',
        `-S--ignore-signal=XFSZ ${limits} timeout -k ${KILL_AFTER_SECONDS} ${timeLimitMs / 1000} git`,
      ],
      // Output is whole only when the pipes are closed.
      completion: { onClose: true, onExit: false },
      errors: (_, { exitCode, stdErr }) =>
        exitCode === 0
          ? undefined
          : new GitCommandError(exitCode, Buffer.concat(stdErr).toString('utf8', 0, MOST_TALK_BYTES)),
      allowEnvironment: Object.keys(this.#environment),
      // What the library guards against would come from users: all of this is ours.
      unsafe: {
        allowUnsafeAskPass: true,
        allowUnsafeCustomBinary: true,
        allowUnsafeConfigEnvCount: true,
        allowUnsafeConfigPaths: true,
        allowUnsafeCredentialHelper: true,
        allowUnsafeFsMonitor: true,
        allowUnsafeHooksPath: true,
        allowUnsafePager: true,
        allowUnsafeSshCommand: true,
        allowUnsafeTemplateDir: true,
      },
      abort: signal === undefined ? flood.signal : AbortSignal.any([signal, flood.signal]),
    })
      .env(this.#environment)
      .outputHandler((_, stdout, stderr) => {
        abortAfter(MOST_OUTPUT_BYTES, stdout, flood);
        abortAfter(MOST_TALK_BYTES, stderr, flood);
      });
    try {
      return await command(git);
    } catch (error) {
      if (flood.signal.aborted && error instanceof GitError) throw new GitCommandError(TOO_TALKATIVE, '');
      throw error;
    }
  }
}

function abortAfter(limitBytes: number, stream: NodeJS.ReadableStream, flood: AbortController): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limitBytes) flood.abort();
  });
}
