import { createTask } from 'node-cron';
import { join } from 'node:path';
import { loadConfiguration } from '../../../daemon/configuration/configuration.ts';
import type { Log, LogRecord } from '../../../daemon/systemd/log.ts';
import type { Configuration } from '../../../daemon/configuration/options.ts';
import type { Chore } from '../../../daemon/service/chores.ts';
import { Daemon, type DaemonOptions } from '../../../daemon/service/daemon.ts';
import { CHORES, type StartSchedule } from '../../../daemon/service/run-daemon.ts';
import { ServiceManager } from '../../../daemon/systemd/service-manager.ts';
import { readSources } from '../../../wishlist/sources/read-sources.ts';
import type { WishlistSource } from '../../../wishlist/sources/source.ts';
import { ofAnyUser } from '../any-user.ts';
import { PATIENCE_MS } from '../patience.ts';
import { temporaryDirectory } from '../setup.ts';

const MINUTE_MS = 60_000;
/** Any midnight will do. */
const BEGIN_MS = Date.UTC(2026, 0, 5);

export interface RigOptions {
  readonly sources: readonly WishlistSource[];
  /** Options of the command line. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** How long a cycle waits for registries. */
  readonly patienceMs?: number;
  /** Those of the program, where nothing is said. */
  readonly chores?: readonly Chore[];
}

/** A daemon in this process, whose clock the test sets: it tells the time, and when to look. */
export class DaemonRig {
  readonly folder: string;
  readonly records: LogRecord[] = [];
  nowMs = BEGIN_MS;
  /** What `reconfigure` gives, or throws. */
  configuration: Configuration | Error;
  readonly #options: RigOptions;
  #daemon: Daemon | undefined;
  #running: Promise<void> = Promise.resolve();
  #stop = new AbortController();
  /** In the order in which they started: that of the cycles is the first. */
  #schedules: { readonly isDue: (date: Date) => boolean; readonly tick: () => void }[] = [];

  private constructor(folder: string, options: RigOptions) {
    this.folder = folder;
    this.#options = options;
    this.configuration = configurationOf(folder, options);
  }

  static async make(options: RigOptions): Promise<DaemonRig> {
    return new DaemonRig(await temporaryDirectory('daemon'), options);
  }

  get root(): string {
    return join(this.folder, 'root');
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('the daemon was not started');
    return this.#daemon;
  }

  /** Starts it, and waits until it has done all that it found. */
  async start(): Promise<void> {
    await this.launch();
    await this.idle();
  }

  /** Starts it. */
  async launch(): Promise<void> {
    const { sources, environment = {}, patienceMs } = this.#options;
    const log: Log = { write: (record) => void this.records.push(record) };
    const schedule: StartSchedule = ({ expression, timeZone: timezone }, tick) => {
      const task = createTask(expression, () => undefined, { timezone });
      const started = { isDue: (date: Date) => task.match(date), tick };
      this.#schedules.push(started);
      const stop = (): void => {
        this.#schedules = this.#schedules.filter((one) => one !== started);
        void task.destroy();
      };
      return { nextMs: () => undefined, stop };
    };
    this.#stop = new AbortController();
    const configuration = this.#given();
    const options: DaemonOptions = {
      version: '0',
      configuration,
      environment: { PATH: process.env['PATH'], ...environment },
      reconfigure: () => this.#given(),
      readWishlists: async ({ state }, signal) => {
        const directory = join(state, 'sources');
        const states = await readSources(sources, { directory, environment: process.env, signal });
        return { sources: states, recipes: states.flatMap(({ content }) => content?.recipes ?? []) };
      },
      log,
      manager: new ServiceManager(environment),
      startSchedule: schedule,
      chores: this.#options.chores ?? CHORES,
      nowMs: () => this.nowMs,
      patienceMs,
      signal: this.#stop.signal,
    };
    this.#daemon = new Daemon(options);
    this.#running = this.#daemon.run();
    this.#running.catch(() => undefined);
    await this.started();
  }

  /** Waits until a generation is up. @throws what ended the daemon */
  async started(): Promise<void> {
    while (this.daemon.currentRun === undefined)
      await Promise.race([this.#running, new Promise((resolve) => setTimeout(resolve, 5))]);
  }

  async idle(): Promise<void> {
    await this.daemon.currentRun?.idle();
  }

  /** Looks once, and waits for the end of what comes of it. */
  async cycle(): Promise<void> {
    this.tick();
    await this.idle();
  }

  /** Looks once, unless it still does. */
  tick(): void {
    this.#schedules[0]?.tick();
  }

  /** Lets everything be due that has a schedule. */
  tickAll(): void {
    for (const { tick } of this.#schedules) tick();
  }

  /** Lets time pass; the daemon looks whenever its schedule says so. `each` is called after every look. */
  async pass(minutes: number, each: () => Promise<void> = async () => {}): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      this.nowMs += MINUTE_MS;
      const due = this.#schedules.filter(({ isDue }) => isDue(new Date(this.nowMs)));
      if (due.length === 0) continue;
      for (const { tick } of due) tick();
      await this.idle();
      await each();
    }
  }

  /** Reads everything again, as SIGHUP does, and waits for the end of what comes of it. */
  async reload(): Promise<void> {
    const { currentRun } = this.daemon;
    this.daemon.reload();
    const deadline = performance.now() + PATIENCE_MS;
    while (this.daemon.currentRun === currentRun && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await this.started();
    await this.idle();
  }

  /** @throws what ended the daemon */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped by a test'));
    await this.#running;
  }

  /** The log since the last time that this was asked, as `PRIORITY MESSAGE`. */
  said(): string[] {
    return ofAnyUser(this.records.splice(0).map(({ priority, message }) => `${priority} ${message}`));
  }

  #given(): Configuration {
    if (this.configuration instanceof Error) throw this.configuration;
    return this.configuration;
  }
}

export function configurationOf(folder: string, { flags = {} }: Pick<RigOptions, 'flags'>): Configuration {
  return loadConfiguration({
    flags: {
      // Said, since nothing is published on a machine with a CernVM-FS repository of that name otherwise.
      backend: 'directory',
      root: join(folder, 'root'),
      state: join(folder, 'state'),
      'batch-age': '30s',
      'time-zone': 'UTC',
      ...flags,
    },
    environment: {},
    machine: {
      home: folder,
      superuser: process.getuid?.() === 0,
      workingDirectory: folder,
      configurationFile: join(folder, 'none.yaml'),
    },
  });
}
