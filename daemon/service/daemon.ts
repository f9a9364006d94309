import { Failure, isFailure, withHint } from '../../core/failure.ts';
import { spoolBytes } from '../../publisher/spool/spool-files.ts';
import { spoolFolder } from '../cycle/publisher-pool.ts';
import { StateStore } from '../cycle/state-store.ts';
import { machineTimeZone } from '../configuration/schedule-types.ts';
import { partsOf } from '../configuration/problems.ts';
import type { Log } from '../systemd/log.ts';
import type { Configuration } from '../configuration/options.ts';
import { redact } from '../configuration/secrets.ts';
import type { FailureNote } from '../state/state.ts';
import { Activity, serviceStatusText } from './activity.ts';
import type { DaemonActivity } from './activity-schema.ts';
import { controlSocket, startControl } from './control.ts';
import { ConfiguredRun, type RunContext } from './configured-run.ts';
import { CycleLog } from './cycle-log.ts';
import { type ServiceManager, giveSignsOfLife } from '../systemd/service-manager.ts';
import { lockState } from '../state/state-lock.ts';
import { openState } from '../state/open-state.ts';

export interface DaemonOptions extends Omit<RunContext, 'store' | 'cycleLog' | 'activity' | 'onBug'> {
  readonly version: string;
  /** Reads the configuration again. @throws Failure `configuration-invalid` */
  readonly reconfigure: () => Configuration;
  readonly log: Log;
  readonly manager: ServiceManager;
  /** Ends the daemon. */
  readonly signal: AbortSignal;
}

/** Settings that cannot change while the daemon runs: what it holds open depends on them. */
const FIXED = ['state', 'backend', 'root'] as const;

/**
 * Runs one {@link ConfiguredRun} after the other, each with the configuration in force, until it is stopped.
 * Publications and the state outlive them.
 */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #cycleLog: CycleLog;
  readonly #store: StateStore;
  readonly #activity = new Activity();
  readonly #startedMs: number;
  #configuration: Configuration;
  #currentRun: ConfiguredRun | undefined;
  #bug: { readonly error: unknown } | undefined;
  #isReloading = false;
  #refusedReload: DaemonActivity['refusedReload'];
  /** Wakes {@link run}. */
  #awake: () => void = () => undefined;

  constructor(options: DaemonOptions) {
    const { log, nowMs, configuration } = options;
    this.#options = options;
    this.#configuration = configuration;
    this.#startedMs = nowMs();
    this.#cycleLog = new CycleLog(log, nowMs);
    const warn = (message: string): void => this.#cycleLog.warn(message);
    this.#store = new StateStore({
      open: async () => await openState(configuration.state, warn),
      note: (message) => this.#cycleLog.note(message),
      warn,
      nowMs,
      readOnlyWishes: false,
    });
  }

  /**
   * @throws Failure `state-unusable` where another daemon has the state; `configuration-invalid` where what the
   *   configuration names cannot be used at the start
   */
  async run(): Promise<void> {
    const { configuration, manager, signal } = this.#options;
    const lock = await lockState(configuration.state);
    const endSigns = giveSignsOfLife(manager, () => {
      if (signal.aborted) return undefined;
      return this.#currentRun === undefined
        ? 'starting'
        : serviceStatusText({ ...this.#troubles, ...this.#work });
    });
    const control = await this.#listen();
    const wake = (): void => this.#awake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      this.#currentRun = await this.#start();
      this.#tellStarted();
      while (await this.#nextReload()) await this.#reload();
      await this.#stop();
    } finally {
      signal.removeEventListener('abort', wake);
      endSigns();
      await control?.close();
      await this.#store.close();
      lock.release();
    }
    if (this.#bug !== undefined) throw this.#bug.error;
  }

  /** Reloads the configuration and starts a cycle. */
  reload(): void {
    this.#isReloading = true;
    this.#awake();
  }

  get currentRun(): ConfiguredRun | undefined {
    return this.#currentRun;
  }

  activity(): DaemonActivity {
    const currentRun = this.#currentRun;
    const { version, signal } = this.#options;
    return {
      version,
      pid: process.pid,
      startedMs: this.#startedMs,
      isStopping: signal.aborted,
      nextCycleMs: currentRun?.nextCycleMs,
      spool: {
        bytes: currentRun === undefined ? 0 : spoolBytes(spoolFolder(this.#configuration)),
        limitBytes: this.#configuration.spoolSizeBytes,
      },
      ...this.#troubles,
      ...this.#work,
    };
  }

  get #work(): Pick<DaemonActivity, 'cycleSinceMs' | 'repositories'> {
    const currentRun = this.#currentRun;
    return { cycleSinceMs: currentRun?.cycleSinceMs, repositories: currentRun?.repositories ?? [] };
  }

  get #troubles(): Pick<DaemonActivity, 'databaseFailure' | 'refusedReload'> {
    const { failure } = this.#store;
    return { databaseFailure: failure && noteOf(failure), refusedReload: this.#refusedReload };
  }

  async #start(): Promise<ConfiguredRun> {
    const currentRun = await ConfiguredRun.start({
      ...this.#options,
      configuration: this.#configuration,
      store: this.#store,
      cycleLog: this.#cycleLog,
      activity: this.#activity,
      onBug: (error) => {
        this.#bug ??= { error };
        this.#awake();
      },
    });
    currentRun.wake();
    return currentRun;
  }

  /** Waits for a reload. @returns false when the daemon should end */
  async #nextReload(): Promise<boolean> {
    const isOver = (): boolean => this.#options.signal.aborted || this.#bug !== undefined;
    while (!isOver() && !this.#isReloading)
      await new Promise<void>((resolve) => {
        this.#awake = resolve;
      });
    return !isOver();
  }

  /** An invalid configuration changes nothing; a cycle starts in any case. */
  async #reload(): Promise<void> {
    const { manager } = this.#options;
    this.#isReloading = false;
    manager.reloading();
    const before = this.#configuration;
    try {
      const configuration = this.#options.reconfigure();
      assertUnchanged(before, configuration);
      await this.#currentRun?.stop(stopped('the configuration is read again'), before.stopTimeoutMs);
      this.#currentRun = undefined;
      this.#configuration = configuration;
      this.#currentRun = await this.#start();
      this.#refusedReload = undefined;
      this.#cycleLog.note('configuration reloaded');
    } catch (error) {
      if (!isFailure(error)) throw error;
      for (const part of partsOf(error)) {
        const text = `new configuration refused, keeping the old one: ${withHint(part)}`;
        this.#cycleLog.error(text, { code: error.code });
      }
      this.#refusedReload = { ...noteOf(error), sinceMs: this.#options.nowMs() };
      this.#configuration = before;
      this.#currentRun ??= await this.#start();
      this.#currentRun.wake();
    }
    manager.ready();
  }

  async #stop(): Promise<void> {
    const { manager } = this.#options;
    manager.stopping();
    const { stopTimeoutMs } = this.#configuration;
    manager.status('stopping: finishing the current publication');
    this.#cycleLog.note('stopping');
    await this.#currentRun?.stop(stopped('the daemon was stopped'), stopTimeoutMs);
    this.#cycleLog.note('stopped');
  }

  async #listen(): Promise<{ readonly close: () => Promise<void> } | undefined> {
    const path = controlSocket(this.#options.configuration.state);
    const control = await startControl(path, {
      activity: () => this.activity(),
      wake: () => this.#currentRun?.wake(),
    });
    if (typeof control !== 'string') return control;
    this.#cycleLog.warn(
      `commands cannot reach the daemon at ${path} (${control}): "unpackd status" shows only what it recorded`,
    );
    return undefined;
  }

  #tellStarted(): void {
    const { version, manager } = this.#options;
    const { backend, root, state, schedule, timeZone = machineTimeZone() } = this.#configuration;
    this.#cycleLog.note(
      `unpackd ${version} started: ${backend} repositories below ${root}, state in ${state}, schedule "${schedule}" (${timeZone})`,
    );
    manager.ready();
  }
}

function stopped(why: string): Failure {
  return new Failure('interrupted', why, { hint: 'it resumes where it stopped' });
}

/** Free of secrets. */
function noteOf({ code, message, hint }: Failure): FailureNote {
  return { code, message: redact(message), hint: hint === undefined ? undefined : redact(hint) };
}

function assertUnchanged(before: Configuration, after: Configuration): void {
  const changed = FIXED.filter((key) => before[key] !== after[key]);
  if (changed.length === 0) return;
  throw new Failure('configuration-invalid', `${changed.join(', ')} cannot change while the daemon runs`, {
    hint: 'restart it',
  });
}
