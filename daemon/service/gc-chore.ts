import { collectGarbage } from '../collection/collector.ts';
import { removeUnusedState } from '../collection/state-files.ts';
import { assertThere, createBackend } from '../cycle/backend.ts';
import { inEachRepository, type Chore, type ChoreContext } from './chores.ts';

/** Collects in each repository what nothing refers to. */
export const gcChore: Chore = {
  scheduleOf: ({ gcSchedule }) => gcSchedule,
  run: async (context) => {
    const { configuration, store, cycleLog, nowMs, signal } = context;
    await inEachRepository(context, async (name) => await collectIn(name, context));
    if (signal.aborted) return;
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
