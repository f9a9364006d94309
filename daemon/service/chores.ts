import { isFailure } from '../../core/failure.ts';
import type { Configuration } from '../configuration/options.ts';
import { machineTimeZone, NEVER } from '../configuration/schedule-types.ts';
import type { PublisherPool } from '../cycle/publisher-pool.ts';
import type { StateStore } from '../cycle/state-store.ts';
import type { CycleLog } from './cycle-log.ts';
import type { Schedule, StartSchedule } from './run-daemon.ts';

/** Work beside the cycles, on a schedule of its own. */
export interface Chore {
  /** A cron expression, or `never`. */
  readonly scheduleOf: (configuration: Configuration) => string;
  /**
   * Ends soon once the signal is aborted.
   *
   * @throws Failure that is to be logged, unless the signal was aborted
   */
  readonly run: (context: ChoreContext) => Promise<void>;
}

export interface ChoreContext {
  readonly configuration: Configuration;
  readonly pool: PublisherPool;
  readonly store: StateStore;
  readonly cycleLog: CycleLog;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** When the chore is due again, if known. */
  readonly nextMs: () => number | undefined;
}

/**
 * Does `work` in each repository that is known. A failure of one is logged, and the others have their turn.
 *
 * @throws Failure once the signal is aborted
 */
export async function inEachRepository(
  context: Pick<ChoreContext, 'store' | 'cycleLog' | 'signal'>,
  work: (repository: string) => Promise<void>,
): Promise<void> {
  const { store, cycleLog, signal } = context;
  const names = await store.use<readonly string[]>([], async ({ repositories }) =>
    (await repositories.all()).map(({ name }) => name),
  );
  for (const name of names) {
    if (signal.aborted) return;
    try {
      await work(name);
    } catch (error) {
      if (!isFailure(error) || signal.aborted) throw error;
      cycleLog.choreFailed(error, name);
    }
  }
}

/** Starts chores when they are due: one at a time, since they look at the same trees. */
export class Chores {
  readonly #context: Omit<ChoreContext, 'nextMs'>;
  readonly #schedules: Schedule[] = [];
  readonly #waiting = new Set<Chore>();
  #last: Promise<void> = Promise.resolve();

  constructor(context: Omit<ChoreContext, 'nextMs'>) {
    this.#context = context;
  }

  /** @param keep is given what has begun, and reports bugs */
  start(chores: readonly Chore[], startSchedule: StartSchedule, keep: (work: Promise<void>) => void): void {
    const { timeZone = machineTimeZone(), jitterMs } = this.#context.configuration;
    for (const chore of chores) {
      const expression = chore.scheduleOf(this.#context.configuration);
      if (expression === NEVER) continue;
      const schedule = startSchedule({ expression, timeZone, jitterMs }, () => {
        // One that still waits for its turn does all that is to do.
        if (this.#waiting.has(chore)) return;
        this.#waiting.add(chore);
        this.#last = this.#after(this.#last, chore, schedule);
        keep(this.#last);
      });
      this.#schedules.push(schedule);
    }
  }

  stop(): void {
    for (const schedule of this.#schedules) schedule.stop();
  }

  async #after(before: Promise<void>, chore: Chore, schedule: Schedule): Promise<void> {
    // Its own start has reported what went wrong.
    await before.catch(() => undefined);
    this.#waiting.delete(chore);
    await this.#run(chore, schedule);
  }

  async #run(chore: Chore, schedule: Schedule): Promise<void> {
    const { signal, cycleLog } = this.#context;
    if (signal.aborted) return;
    try {
      await chore.run({ ...this.#context, nextMs: () => schedule.nextMs() });
    } catch (error) {
      if (!isFailure(error)) throw error;
      if (!signal.aborted) cycleLog.choreFailed(error);
    }
  }
}
