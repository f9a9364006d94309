import { isFailure } from '../../core/failure.ts';
import { collectGarbage } from '../collection/collector.ts';
import { removeUnusedState } from '../collection/state-files.ts';
import { assertThere, createBackend } from '../cycle/backend.ts';
import type { Chore, ChoreContext } from './chores.ts';

/** Collects in each repository what nothing refers to. */
export const gcChore: Chore = {
  scheduleOf: ({ gcSchedule }) => gcSchedule,
  run: async (context) => {
    const { configuration, store, cycleLog, nowMs, signal } = context;
    const names = await store.use<readonly string[]>([], async ({ repositories }) =>
      (await repositories.all()).map(({ name }) => name),
    );
    for (const name of names) {
      if (signal.aborted) return;
      try {
        await collectIn(name, context);
      } catch (error) {
        if (!isFailure(error) || signal.aborted) throw error;
        cycleLog.choreFailed(error, name);
      }
    }
    const removed = await removeUnusedState(configuration, store, { nowMs: nowMs(), signal });
    if (removed !== undefined) cycleLog.note(removed);
  },
};

/** In the queue of what else is published there, and not while that is paused. */
async function collectIn(repository: string, context: ChoreContext): Promise<void> {
  const { configuration, pool, store, cycleLog, nowMs, signal } = context;
  const isPaused = await store.pauses();
  if (isPaused(repository)) return;
  await assertThere(createBackend(configuration).view(repository), repository);
  const options = {
    ...configuration,
    dryRun: false,
    yesReally: false,
    observe: () => undefined,
    nowMs,
    signal,
  };
  const collected = await pool.use(repository, async (publisher) => {
    pool.pause(isPaused);
    return await collectGarbage(publisher, store, options);
  });
  cycleLog.collected(repository, collected);
}
