import { join } from 'node:path';
import { ListingStore } from '../../publisher/layer/listing-store.ts';
import { createBackend } from '../cycle/backend.ts';
import { namesIn, referenceFinder } from '../verification/names.ts';
import { VerificationRecords } from '../verification/records.ts';
import { Verifier } from '../verification/verifier.ts';
import { inEachRepository, type Chore, type ChoreContext } from './chores.ts';

const DAY_MS = 86_400_000;

/** Verifies a part of each repository, so that all of it was verified once in each period. */
export const verifyChore: Chore = {
  scheduleOf: ({ verifySchedule }) => verifySchedule,
  run: async (context) =>
    await inEachRepository(context, async (name) => {
      if (!(await isPaused(name, context))) await verifyPart(name, context);
    }),
};

async function verifyPart(repository: string, context: ChoreContext): Promise<void> {
  const { configuration, pool, store, cycleLog, nowMs } = context;
  const records = new VerificationRecords(store, repository, nowMs);
  const beganMs = nowMs();
  const verifier = new Verifier({
    repository,
    pool,
    records,
    nowMs,
    listings: new ListingStore(join(configuration.state, 'listings')),
    observe: () => undefined,
    referenceOf: referenceFinder(configuration),
    isDeep: false,
    isRepairing: configuration.verifyRepair,
    mayGoOn: async () => !(await isPaused(repository, context)),
  });
  const names = await partOf(repository, records, context);
  for await (const image of verifier.verify(names)) cycleLog.verified(repository, image, beganMs);
}

/**
 * Images that were not verified for longest: as many as have their turn until the next run. Those that are damaged are looked at
 * each time.
 */
async function partOf(
  repository: string,
  records: VerificationRecords,
  { configuration, nowMs, nextMs }: ChoreContext,
): Promise<readonly string[]> {
  // Not through a publisher: that would make a directory of a repository that is gone.
  const view = createBackend(configuration).view(repository);
  const names = await namesIn(view, repository);
  await records.begin(names, view);
  const { damaged, others } = await records.inTurn(names);
  const untilNextMs = (nextMs() ?? nowMs() + DAY_MS) - nowMs();
  const share = untilNextMs / configuration.verifyPeriodMs;
  return [...damaged, ...others.slice(0, Math.ceil(names.length * share))];
}

async function isPaused(repository: string, { store }: ChoreContext): Promise<boolean> {
  return (await store.pauses())(repository);
}
