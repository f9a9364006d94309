import { setFlagsFromString } from 'node:v8';
import { collectGarbage, isComplete } from '../../collection/collector.ts';
import { removeUnusedState } from '../../collection/state-files.ts';
import { collectionDocument, collectionText } from '../../collection/text.ts';
import { assertRepositoryName } from '../../configuration/repositories.ts';
import { assertThere, createBackend } from '../../cycle/backend.ts';
import { withPublishing } from '../../cycle/publishing.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { problemDocument } from '../../output/results.ts';

/** Collects what nothing refers to in one repository, also beside a daemon that publishes there. */
export async function gc(context: Context): Promise<ExitStatus> {
  const { configuration, observe, output, signal } = context;
  const [repository = ''] = context.arguments;
  assertRepositoryName(repository);
  // It makes much garbage and keeps little: unlike a publication, it is not slower with a heap that stays small.
  setFlagsFromString('--heap-growing-percent=50');
  return await withPublishing(context, false, async ({ pool, store }) => {
    await assertThere(createBackend(configuration).view(repository), repository);
    const options = { ...configuration, nowMs: Date.now, observe, signal };
    const collected = await pool.useWithoutSpool(
      repository,
      async (publisher) => await collectGarbage(publisher, store, options),
    );
    if (!configuration.dryRun) {
      const removed = await removeUnusedState(configuration, store, { nowMs: Date.now(), signal });
      if (removed !== undefined) observe({ type: 'note', message: removed });
    }
    const summary = { repository, isDryRun: configuration.dryRun, ...collected };
    const { failure } = collected;
    if (failure !== undefined) output.failure(failure);
    const problems = failure === undefined ? [] : [problemDocument(failure)];
    output.print(collectionText(summary), collectionDocument(summary, problems));
    if (signal.aborted) return 130;
    return isComplete(collected) ? 0 : 1;
  });
}
