import { isFailure } from '../../../core/failure.ts';
import { isLoopback } from '../../../core/oci/registry-host.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { adopt } from '../../../publisher/adoption/adopt.ts';
import { appraise, type Appraisal } from '../../../publisher/adoption/appraisal.ts';
import type { ImageResult } from '../../../publisher/image/events.ts';
import { platformName } from '../../../publisher/image/layout.ts';
import type { Recorder } from '../../../publisher/image/results.ts';
import { publishedReference } from '../../../publisher/published/published-image.ts';
import type { RepositoryView } from '../../../publisher/publication/view.ts';
import { createBackend } from '../../cycle/backend.ts';
import { CycleRecorder } from '../../cycle/cycle-recorder.ts';
import { withPublishing } from '../../cycle/publishing.ts';
import { adoptionDocument, adoptionText, type AdoptionReport } from '../../output/adoption.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { assertKnownRepository } from '../known.ts';

export async function adoptRepository(context: Context): Promise<ExitStatus> {
  const [repository = ''] = context.arguments;
  await assertKnownRepository(context, repository);
  const report = context.configuration.dryRun
    ? await dryRun(repository, context)
    : await adoptAll(repository, context);
  context.output.print(adoptionText(report), adoptionDocument(report));
  return [...report.results.values()].some(({ outcome }) => outcome === 'failed') ? 1 : 0;
}

async function dryRun(repository: string, context: Context): Promise<AdoptionReport> {
  const view = createBackend(context.configuration).view(repository);
  const appraisal = await appraiseIn(view, context);
  return { repository, isDryRun: true, appraisal, results: new Map() };
}

async function adoptAll(repository: string, context: Context): Promise<AdoptionReport> {
  return await withPublishing(context, false, async (parts) => {
    const recorder = new CycleRecorder(repository, parts);
    const results = new Map<string, ImageResult>();
    const record: Recorder = (part, result, resolved) => {
      const { wanted, platform } = part;
      results.set(platformName(platform ?? LINUX_AMD64, wanted.publicName), result);
      recorder.settle(part, result, resolved);
    };
    const { client, pool, observeIn } = parts;
    const appraisal = await pool.use(repository, async (publisher) => {
      // The state must know the repository.
      recorder.begin(await parts.store.before(repository, publisher.view, parts.inFlight.run));
      const found = await appraiseIn(publisher.view, context);
      await adopt(found, { publisher, client, record, observe: observeIn(repository) });
      return found;
    });
    await recorder.end(undefined);
    return { repository, isDryRun: false, appraisal, results };
  });
}

/** Images between two notes on how far it is. */
const IMAGES_A_NOTE = 500;

async function appraiseIn(view: RepositoryView, { configuration, observe }: Context): Promise<Appraisal> {
  const plain = configuration.registries.flatMap(({ host, allowHttp }) => (allowHttp === true ? [host] : []));
  return await appraise(view, {
    referenceOf: (plainName) => withScheme(plainName, plain),
    onImage: (done, all) => {
      if (done % IMAGES_A_NOTE === 0)
        observe({ type: 'note', message: `looked at ${done} of ${all} images` });
    },
  });
}

/** A public name does not say which registry speaks plain HTTP: one to which the operator allows it, or of this machine. */
function withScheme(plainName: string, plain: readonly string[]): ImageReference | undefined {
  try {
    const reference = publishedReference(plainName);
    const isPlain = isLoopback(reference.registry) || plain.includes(reference.registry);
    return isPlain ? { ...reference, scheme: 'http' } : reference;
  } catch (error) {
    if (isFailure(error, 'reference-invalid')) return undefined;
    throw error;
  }
}
