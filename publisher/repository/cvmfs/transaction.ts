import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { asFailure, Failure } from '../../../core/failure.ts';
import { pause } from '../../../core/interruption.ts';
import { diskFull } from '../../../core/system-failure.ts';
import { killIfThere } from '../../../core/system/run-program.ts';
import type { Notice } from '../../publication/backend.ts';
import type { CvmfsRepository } from './installation.ts';
import { CommandError, runCommand, type CommandOptions } from './server-command.ts';
import {
  forgetTransaction,
  isInTransaction,
  isOurTransaction,
  orphansOf,
  recordTransaction,
  recordedEnvironment,
} from './transaction-record.ts';

export interface ServerLimits {
  /** A command that shows no progress for so long is stopped. */
  readonly idleLimitMs: number;
  /** Longest wait for somebody else's transaction. */
  readonly waitMs: number;
}

/** Doubled with each look: a look goes through all processes. */
const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 500;
/** Time that orphans of a killed process get to end before they are killed. */
const ORPHAN_MS = 10_000;
const ORPHAN_POLL_MS = 100;
const SHOWN_OUTPUT_LINES = 4;
/** Text of cvmfs_server where it cannot open a transaction, since somebody else has one open. */
const REFUSED = /start a transaction|transaction is already open/;
/** Text where it will not publish, since somebody uses the mount. */
const IN_USE = /open read-only file descriptors/;
/** Text of its programs about a full disk or quota: that of the error (strerror(3)), or its number. */
const NO_ROOM = /no space left on device|disk quota exceeded|errno(?:\s*[:=(]\s*|\s+)(?:28|122)\b|\(28 - /i;
const SHOWN_HOLDERS = 5;

/** The commands of one repository's `cvmfs_server`, and the transaction that they may leave open. */
export class Server {
  readonly #command: string;
  readonly #repository: CvmfsRepository;
  readonly #limits: ServerLimits;
  readonly #notice: Notice;

  constructor(
    command: string,
    repository: CvmfsRepository,
    { limits, notice }: { limits: ServerLimits; notice: Notice },
  ) {
    this.#command = command;
    this.#repository = repository;
    this.#limits = limits;
    this.#notice = notice;
  }

  /** Aborts the transaction that a process of ours left open, and ends what it left running. */
  async recover(): Promise<void> {
    await this.#endOrphans();
    if (isOurTransaction(this.#repository)) {
      this.#notice('note', `aborting a publication of ${this.#repository.name} that was interrupted`);
      await this.#abort();
    }
    forgetTransaction(this.#repository);
  }

  /**
   * Waits for somebody else's transaction to end, and for programs that use the repository's mount: cvmfs_server publishes
   * nothing meanwhile.
   *
   * @throws Failure `repository-busy` where that takes longer than the limit
   */
  async waitForOthers(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + this.#limits.waitMs;
    const reported = new Set<string>();
    let pollMs = FIRST_POLL_MS;
    for (let failure = this.#busy(); failure !== undefined; failure = this.#busy()) {
      const { message } = failure;
      if (performance.now() >= deadline) throw failure;
      if (!reported.has(message)) this.#notice('waiting', `waiting, because ${message}`);
      reported.add(message);
      await pause(pollMs, signal);
      pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS);
    }
  }

  /** Returns true while somebody else blocks publishing. */
  isBusy(): boolean {
    return this.#busy() !== undefined;
  }

  /** Why nothing can be published now. */
  #busy(): Failure | undefined {
    const { name } = this.#repository;
    if (isInTransaction(this.#repository))
      return new Failure('repository-busy', `somebody has a transaction open on ${name}`, {
        hint: `it is left alone: let its owner publish it, or end it with \`cvmfs_server abort ${name}\``,
      });
    const holders = holdersOf(this.#repository.mount);
    return holders.length === 0 ? undefined : this.#inUse(holders);
  }

  /** cvmfs_server asks whether to go on, and takes no answer for a no. */
  #inUse(holders: readonly string[]): Failure {
    const { mount } = this.#repository;
    const by = holders.length === 0 ? 'a program' : shortList(holders);
    return new Failure(
      'repository-busy',
      `${by} has files of ${mount} open, and cvmfs_server publishes nothing meanwhile`,
      {
        hint: 'end it, and let nothing on the release manager read there: a client is for that',
      },
    );
  }

  /**
   * Runs commands that open a transaction and end it. When one fails, the transaction is aborted.
   *
   * @param neededBytes what they bring, for messages
   * @throws Failure `repository-unusable`, `disk-full`, `interrupted`: nothing is published, unless it got stuck or was stopped after
   *   the publication was made
   */
  async transact(commands: (run: RunServerCommand) => Promise<void>, neededBytes: number): Promise<void> {
    try {
      await commands(async (words, options) => await this.#run(words, options));
      forgetTransaction(this.#repository);
    } catch (error) {
      const failure = error instanceof CommandError ? this.#toFailure(error, neededBytes) : error;
      await this.#cleanUp(error);
      throw failure;
    }
  }

  async #run(words: readonly string[], options: Partial<CommandOptions> = {}): Promise<string> {
    const recording = recordTransaction(this.#repository);
    try {
      return await runCommand([this.#command, ...words], {
        idleLimitMs: this.#limits.idleLimitMs,
        ...options,
        environment: recording.environment,
      });
    } finally {
      recording.stop();
    }
  }

  async #cleanUp(error: unknown): Promise<void> {
    const isRefused = error instanceof CommandError && REFUSED.test(error.output);
    if (!isRefused && isOurTransaction(this.#repository)) await this.#abort();
    forgetTransaction(this.#repository);
  }

  async #abort(): Promise<void> {
    const { name } = this.#repository;
    try {
      const { idleLimitMs } = this.#limits;
      const environment = recordedEnvironment(this.#repository);
      await runCommand([this.#command, 'abort', '-f', name], { idleLimitMs, environment });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new Failure(
        'repository-unusable',
        `the interrupted transaction on ${name} cannot be aborted: ${error.message}`,
        {
          hint: `end the processes that use ${this.#repository.mount}${this.#holders()}, then \`cvmfs_server abort -f ${name}\``,
          cause: error,
        },
      );
    }
  }

  async #endOrphans(): Promise<void> {
    const deadline = performance.now() + ORPHAN_MS;
    for (let left = orphansOf(this.#repository); left.length > 0; left = orphansOf(this.#repository)) {
      if (performance.now() >= deadline + ORPHAN_MS) return; // Not even killed do they end: abort will say so.
      if (performance.now() >= deadline) for (const pid of left) killIfThere(pid, 'SIGKILL');
      await pause(ORPHAN_POLL_MS, undefined);
    }
  }

  #toFailure(error: CommandError, neededBytes: number): Failure {
    const { name } = this.#repository;
    switch (error.end.kind) {
      case 'interrupted':
        return new Failure('interrupted', `the publication on ${name} was interrupted`, { cause: error });
      case 'input-failed':
        return asFailure(error.end.error);
      case 'late':
      case 'stuck':
      case 'endless':
        return new Failure(
          'repository-unusable',
          `${error.message}; last output: ${lastLines(error.output)}`,
          {
            hint: `a remount waits for processes that use the repository${this.#holders()}`,
            cause: error,
          },
        );
      case 'failed':
        if (IN_USE.test(error.output)) return this.#inUse(holdersOf(this.#repository.mount));
        if (NO_ROOM.test(error.output)) {
          const { folders: path } = this.#repository;
          const outcome = 'nothing has changed';
          return diskFull({ path, code: 'repository-unusable', outcome, neededBytes }, error);
        }
        return new Failure('repository-unusable', `${error.message} on ${name}: ${lastLines(error.output)}`, {
          hint: `nothing has changed; the cause is in the words of cvmfs_server${this.#holders()}`,
          cause: error,
        });
    }
  }

  #holders(): string {
    const holders = holdersOf(this.#repository.mount);
    return holders.length === 0 ? '' : ` (in use by ${shortList(holders)})`;
  }
}

function shortList(holders: readonly string[]): string {
  return holders.slice(0, SHOWN_HOLDERS).join(', ');
}

export type RunServerCommand = (
  words: readonly string[],
  options?: Partial<CommandOptions>,
) => Promise<string>;

function lastLines(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(-SHOWN_OUTPUT_LINES).join(' | ') || 'none';
}

/** Processes that use something below `mount`: a remount waits for them. What may not be looked at is passed over. */
function holdersOf(mount: string): string[] {
  const folder = quietly(() => realpathSync(mount), mount);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => pathsOf(pid).some((path) => path === folder || path.startsWith(`${folder}/`)))
    .map((pid) => `${nameOf(pid)} (process ${pid})`);
}

function pathsOf(pid: string): string[] {
  const links = [
    'cwd',
    'root',
    'exe',
    ...quietly(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => `fd/${fd}`),
  ];
  return links.map((link) => quietly(() => readlinkSync(`/proc/${pid}/${link}`), ''));
}

function nameOf(pid: string): string {
  return quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'a process');
}

/** Processes come and go, and other users' may not be looked at. */
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
