import { join } from 'node:path';
import { isDaemonRunning } from '../../state/state-lock.ts';
import { counted } from '../../../core/text.ts';
import { pause } from '../../../core/interruption.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { createBackend } from '../../cycle/backend.ts';
import { withPublishing } from '../../cycle/publishing.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { namesIn, referenceFinder } from '../../verification/names.ts';
import { VerificationRecords } from '../../verification/records.ts';
import { outcomeOf, reportDocument, reportText } from '../../verification/report.ts';
import { Verifier, type VerifiedImage } from '../../verification/verifier.ts';
import { assertKnownRepository } from '../known.ts';
import { meantBy, namedImage, nothingIsCalled } from '../named-images.ts';

/** Longer than a lock is waited for between two tries. */
const DAEMON_TURN_MS = 500;

export async function verify(context: Context): Promise<ExitStatus> {
  const [repository = '', ...images] = context.arguments;
  const { configuration, output, signal } = context;
  await assertKnownRepository(context, repository);
  const view = createBackend(configuration).view(repository);
  const all = await namesIn(view, repository);
  const names = namesOf(images, all);
  const { deep: isDeep, repair: isRepairing } = configuration;
  const found = await withPublishing(context, false, async ({ pool, store, observeIn, nowMs }) => {
    const records = new VerificationRecords(store, repository, nowMs);
    await records.begin(all, view);
    const verifier = new Verifier({
      repository,
      pool,
      records,
      listings: new ListingStore(join(configuration.state, 'listings')),
      observe: observeIn(repository),
      nowMs,
      referenceOf: referenceFinder(configuration),
      isDeep,
      isRepairing,
      mayGoOn: async (done) => {
        context.observe({ type: 'note', message: `verified ${done} of ${counted(names.length, 'image')}` });
        // It may wait for the spool.
        if (isDaemonRunning(configuration.state)) await pause(DAEMON_TURN_MS, signal);
        return true;
      },
    });
    const verified: VerifiedImage[] = [];
    for await (const image of verifier.verify(names)) verified.push(image);
    return verified;
  });
  const report = { repository, isDeep, verified: names.length, images: found };
  output.print(reportText(report), reportDocument(report));
  return found.some((image) => outcomeOf(image) === 'damaged') ? 1 : 0;
}

/** @throws Failure `argument-unknown` */
function namesOf(images: readonly string[], names: readonly string[]): readonly string[] {
  if (images.length === 0) return names;
  const all = names.map(namedImage);
  const meant = images.flatMap((argument) => {
    const found = meantBy(argument, all);
    return found.length > 0 ? found : nothingIsCalled(argument, all, 'nothing is published as');
  });
  return [...new Set(meant.map(({ name }) => name))];
}
