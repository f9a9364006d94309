import { isFailure, type Failure } from '../../core/failure.ts';
import { counted } from '../../core/text.ts';
import { collect } from '../../publisher/collection/collect.ts';
import type { CollectionOptions, CollectionReport } from '../../publisher/collection/report.ts';
import type { Observer } from '../../publisher/image/events.ts';
import type { RepositoryPublisher } from '../../publisher/pipeline/repository-publisher.ts';
import type { StateStore } from '../cycle/state-store.ts';
import { isClockBelieved } from '../../wishlist/meaning/clock.ts';
import type { CollectionRecord, Collections } from '../state/collections.ts';

export interface CollectingOptions {
  readonly gracePeriodMs: number;
  /** Run the server's own collection afterwards. */
  readonly serverGc: boolean;
  readonly dryRun: boolean;
  /** Somebody says that the clock is right. */
  readonly yesReally: boolean;
  readonly nowMs: () => number;
  readonly observe: Observer;
  /** Ends it between two publications. */
  readonly signal: AbortSignal;
}

/** What became of the storage of what was taken away: `kept` where its server was not asked. */
export type Storage = 'freed' | 'not-allowed' | 'kept' | 'failed';

export interface Collected {
  readonly report: CollectionReport;
  readonly storage: Storage;
  /** Why the server did not free the storage. */
  readonly failure: Failure | undefined;
}

/**
 * Collects in one repository what nothing refers to, lets its server free the storage, and remembers what it came to.
 *
 * @throws Failure where the repository cannot be read or written, or the run is interrupted
 */
export async function collectGarbage(
  publisher: RepositoryPublisher,
  store: StateStore,
  options: CollectingOptions,
): Promise<Collected> {
  const { name } = publisher;
  const { dryRun, nowMs } = options;
  const remember = async (work: (collections: Collections) => Promise<void>): Promise<void> => {
    if (!dryRun) await store.use(undefined, async ({ collections }) => await work(collections));
  };
  try {
    const clockSinceMs = await clockSince(store, nowMs());
    const collected = await collectAndFree(publisher, { ...options, clockSinceMs });
    await remember(async (known) => await known.record(name, recordOf(collected, nowMs())));
    return collected;
  } catch (error) {
    if (isFailure(error) && error.code !== 'interrupted')
      await remember(async (known) => await known.fail(name, error, nowMs()));
    throw error;
  }
}

/** Since when all that the clock showed in cycles could be believed; `undefined`: what it shows now cannot be. */
async function clockSince(store: StateStore, nowMs: number): Promise<number | undefined> {
  return await store.use<number | undefined>(undefined, async ({ removals }) =>
    isClockBelieved(nowMs, await removals.clockMs()) ? await removals.clockSinceMs() : undefined,
  );
}

async function collectAndFree(
  publisher: RepositoryPublisher,
  options: CollectingOptions & Pick<CollectionOptions, 'clockSinceMs'>,
): Promise<Collected> {
  const {
    gracePeriodMs: graceMs,
    dryRun: isDryRun,
    yesReally,
    serverGc,
    signal,
    nowMs,
    clockSinceMs,
  } = options;
  const report = await collect(publisher, {
    graceMs,
    isDryRun,
    signal,
    nowMs: nowMs(),
    clockSinceMs,
    isClockConfirmed: yesReally,
    onProgress: (swept, all) => {
      if (swept < all) tell(options, `taken away: ${swept} of ${counted(all, 'tree')}`);
    },
  });
  if (isDryRun || !serverGc || signal.aborted) return { report, storage: 'kept', failure: undefined };
  try {
    const isFreed = await publisher.freeStorage(`garbage collection of ${publisher.name}`);
    return { report, storage: isFreed ? 'freed' : 'not-allowed', failure: undefined };
  } catch (error) {
    if (!isFailure(error, 'gc-failed')) throw error;
    return { report, storage: 'failed', failure: error };
  }
}

/** True where all that was due has gone, and nothing keeps more from it. */
export function isComplete({ report, failure }: Collected): boolean {
  return report.blocked.length === 0 && failure === undefined;
}

function recordOf({ report, failure }: Collected, finishedMs: number): CollectionRecord {
  const { swept, waiting, blocked } = report;
  return {
    finishedMs,
    swept: swept.length,
    waiting: waiting.length,
    nextDueMs: firstDue(report),
    blocked: blocked.map(({ path, why }) => `${path}: ${why}`),
    failure,
  };
}

/** When the first of what waits goes, in ms since 1970. */
export function firstDue({ waiting }: CollectionReport): number | undefined {
  return waiting.reduce<number | undefined>((first, { due }) => Math.min(first ?? due, due), undefined);
}

function tell({ observe }: CollectingOptions, message: string): void {
  observe({ type: 'note', message });
}
