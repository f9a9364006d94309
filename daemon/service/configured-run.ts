import { setMaxListeners } from 'node:events';
import { contained, toAll } from '../../publisher/image/events.ts';
import { isFailure, type Failure } from '../../core/failure.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import { machineTimeZone } from '../configuration/schedule-types.ts';
import { configuredPolicy, configuredSettings, removalLimitsOf } from '../configuration/limits.ts';
import { runCycle, type Wishlists } from '../cycle/cycle.ts';
import type { StateStore } from '../cycle/state-store.ts';
import { PatientLists } from '../cycle/patient-lists.ts';
import { recordPublications } from '../cycle/cycle-recorder.ts';
import { TagQuestions } from '../cycle/tag-questions.ts';
import { InFlight } from '../cycle/in-flight.ts';
import type { RepositoryReport } from '../cycle/repository-work.ts';
import type { Configuration, Environment } from '../configuration/options.ts';
import { openRegistry } from '../cycle/publishing.ts';
import { spoolFolder, PublisherPool } from '../cycle/publisher-pool.ts';
import type { Activity } from './activity.ts';
import type { RepositoryActivity } from './activity-schema.ts';
import { Chores, type Chore } from './chores.ts';
import type { CycleLog } from './cycle-log.ts';
import type { Schedule, StartSchedule } from './run-daemon.ts';

export interface RunContext {
  readonly configuration: Configuration;
  readonly environment: Environment;
  readonly readWishlists: (configuration: Configuration, signal: AbortSignal) => Promise<Wishlists>;
  readonly store: StateStore;
  readonly cycleLog: CycleLog;
  readonly activity: Activity;
  readonly startSchedule: StartSchedule;
  readonly chores: readonly Chore[];
  readonly nowMs: () => number;
  /** See `CycleContext`. */
  readonly patienceMs?: number | undefined;
  /** Called for bugs in unpackd, which end the daemon. */
  readonly onBug: (error: unknown) => void;
}

/** Most registries answer within seconds; slow ones must not delay the images of others. */
const PATIENCE_MS = 60_000;

/**
 * Everything that lives as long as one configuration: connections, the schedule, the queues. Cycles start on
 * schedule and when woken; a scheduled time during a cycle is skipped.
 */
export class ConfiguredRun {
  readonly #context: RunContext;
  readonly #client: RegistryClient;
  readonly #pool: PublisherPool;
  readonly #inFlight: InFlight;
  readonly #lists: PatientLists;
  readonly #questions: TagQuestions;
  readonly #refusals = new Map<string, number>();
  readonly #patienceMs: number;
  readonly #fetching: AbortController;
  readonly #publishing: AbortController;
  readonly #chores: Chores;
  #schedule: Schedule | undefined;
  /** Work in progress. */
  readonly #running = new Set<Promise<void>>();
  #cycleSinceMs: number | undefined;
  #isWokenAgain = false;
  #isFirstCycle = true;
  /** Of the tag lists that were late in the latest cycle. */
  #news: Promise<void> | undefined;

  private constructor(
    context: RunContext,
    client: RegistryClient,
    signals: { fetching: AbortController; publishing: AbortController },
  ) {
    const { configuration, cycleLog, activity, store, nowMs } = context;
    this.#context = context;
    this.#client = client;
    this.#patienceMs = context.patienceMs ?? PATIENCE_MS;
    this.#lists = new PatientLists(client.listTags.bind(client), {
      patienceMs: this.#patienceMs,
      signal: signals.fetching.signal,
    });
    this.#questions = new TagQuestions(client.presenceOf.bind(client), (message) =>
      contained(cycleLog.observer(undefined))({ type: 'warning', message }),
    );
    this.#fetching = signals.fetching;
    this.#publishing = signals.publishing;
    this.#inFlight = new InFlight({ store, spool: spoolFolder(configuration), nowMs });
    this.#pool = new PublisherPool({
      configuration,
      client,
      observe: contained(cycleLog.observer(undefined)),
      observeIn: (repository) =>
        toAll(
          cycleLog.observer(repository),
          activity.observer(repository),
          recordPublications(repository, { store, nowMs }),
        ),
      guardIn: (repository) => this.#inFlight.guard(repository),
      signal: signals.fetching.signal,
      publishSignal: signals.publishing.signal,
    });
    const { signal } = signals.fetching;
    this.#chores = new Chores({ configuration, pool: this.#pool, store, cycleLog, nowMs, signal });
  }

  /** @throws Failure `configuration-invalid` where what the configuration names cannot be used */
  static async start(context: RunContext): Promise<ConfiguredRun> {
    const signals = { fetching: new AbortController(), publishing: new AbortController() };
    for (const { signal } of [signals.fetching, signals.publishing]) setMaxListeners(0, signal);
    const { configuration, environment, cycleLog } = context;
    const observe = contained(cycleLog.observer(undefined));
    const { signal } = signals.fetching;
    const client = await openRegistry({ configuration, environment, observe, signal, nowMs: context.nowMs });
    const run = new ConfiguredRun(context, client, signals);
    const { schedule: expression, timeZone = machineTimeZone(), jitterMs } = configuration;
    run.#schedule = context.startSchedule({ expression, timeZone, jitterMs }, () => {
      if (run.#cycleSinceMs === undefined) run.#begin();
    });
    run.#chores.start(context.chores, context.startSchedule, (work) => void run.#keep(work));
    return run;
  }

  /** Starts a cycle now, or as soon as the current one has ended. */
  wake(): void {
    void this.#keep(this.#context.store.pauses().then((isPaused) => this.#pool.pause(isPaused)));
    this.#beginSoon();
  }

  get cycleSinceMs(): number | undefined {
    return this.#cycleSinceMs;
  }

  get nextCycleMs(): number | undefined {
    return this.#schedule?.nextMs();
  }

  get repositories(): RepositoryActivity[] {
    return this.#context.activity.of(this.#pool.publishers);
  }

  /** Begins nothing more. Downloads end; a running publication has `graceMs` to finish. */
  async stop(reason: Failure, graceMs: number): Promise<void> {
    this.#schedule?.stop();
    this.#chores.stop();
    this.#isWokenAgain = false;
    this.#fetching.abort(reason);
    await this.#inFlight.end();
    const timer = setTimeout(() => this.#publishing.abort(reason), graceMs);
    try {
      await this.idle();
    } finally {
      clearTimeout(timer);
      this.#pool.close();
      await this.#client.close();
    }
  }

  /** Resolves when nothing is in progress. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #beginSoon(): void {
    if (this.#cycleSinceMs === undefined) this.#begin();
    else this.#isWokenAgain = true;
  }

  #begin(): void {
    if (this.#fetching.signal.aborted) return;
    this.#cycleSinceMs = this.#context.nowMs();
    void this.#keep(this.#cycle());
  }

  async #cycle(): Promise<void> {
    try {
      const { ended } = await this.#runCycle();
      void this.#keep(this.#end(ended));
    } catch (error) {
      if (!isFailure(error)) throw error;
      if (error.code !== 'interrupted') this.#context.cycleLog.cycleFailed(error);
    } finally {
      this.#cycleSinceMs = undefined;
    }
    void this.#followLists();
    if (!this.#isWokenAgain) return;
    this.#isWokenAgain = false;
    this.#begin();
  }

  /** Begins a cycle as soon as a tag list has come that was late, unless another cycle waits for the same by then. */
  async #followLists(): Promise<void> {
    if (!this.#lists.isLate) return;
    const news = this.#lists.news();
    this.#news = news;
    await news;
    if (this.#news === news) this.#beginSoon();
  }

  async #runCycle(): ReturnType<typeof runCycle> {
    const { configuration, cycleLog, store, nowMs, readWishlists } = this.#context;
    return await runCycle({
      listTags: this.#lists.round(),
      pool: this.#pool,
      settings: configuredSettings(configuration),
      policy: configuredPolicy(configuration),
      readWishlists: async () => await readWishlists(configuration, this.#fetching.signal),
      store,
      inFlight: this.#inFlight,
      nowMs,
      removal: {
        limits: removalLimitsOf(configuration),
        takesHeld: false,
        questions: this.#questions,
        refusals: this.#refusals,
      },
      respectBackoff: true,
      patienceMs: this.#patienceMs,
      observeIn: (repository) => contained(cycleLog.observer(repository)),
      onExpanded: (found) => cycleLog.expanded(found),
      onPlan: (repository, plan) => cycleLog.planned(repository, plan),
    });
  }

  async #end(ended: Promise<RepositoryReport[]>): Promise<void> {
    const { cycleLog } = this.#context;
    const reports = await ended;
    for (const { repository, stopped } of reports)
      if (stopped?.code !== 'interrupted') cycleLog.stopped(repository, stopped);
    if (this.#isFirstCycle) cycleLog.firstCycleEnded(reports);
    this.#isFirstCycle = false;
  }

  /** Tracks work until it has ended. */
  async #keep(work: Promise<void>): Promise<void> {
    const kept = work
      .catch((error: unknown) => this.#context.onBug(error))
      .finally(() => this.#running.delete(kept));
    this.#running.add(kept);
    await kept;
  }
}
