import { formatBytes, counted } from '../../core/text.ts';
import { asFailure, Failure, isFailure, messageOf, withHint } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { isUsable } from '../../core/system-failure.ts';
import { differenceOf, exceeds, type Demand } from '../../core/system/free-space.ts';
import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import type { TreeRepair } from '../compose/tree-changes.ts';
import type { Composer, Composition } from '../compose/composer.ts';
import { failedResult, failureText, type ImageResult } from '../image/events.ts';
import type { ReadyImage } from '../image/image.ts';
import { ownErrors, ownFailure } from '../image/own-failure.ts';
import { labelOf } from '../image/results.ts';
import {
  EMPTY_PUBLICATION,
  RepositoryOvertaken,
  type OpenRepository,
  type Publication,
} from '../publication/backend.ts';
import { publishedDigest } from '../published/published-image.ts';
import type { RepositoryView } from '../publication/view.ts';
import { publisherAttributes } from '../publication/entry.ts';
import { FileIndex } from '../compose/sharing/file-index.ts';
import { TreeLoader } from '../tree/image-trees.ts';
import { blamed, refused, type PublishingContext } from './context.ts';
import { doneResult, guardedImage, type Candidate } from './resolve.ts';

/** A candidate with everything at hand that its publication needs. */
export interface ReadyCandidate extends Candidate {
  readonly image: ReadyImage;
}

/**
 * A publication that comes from no candidate, such as a removal or a repair. As a function it is composed while the
 * repository is held, from what is published then; `undefined`: there is nothing to change, and nothing is published.
 */
export type FreePublication =
  Publication | ((repository: OpenRepository) => Promise<Publication | undefined>);

/**
 * Publishes what comes from no candidate.
 *
 * @returns whether there was anything to publish
 * @throws Failure: nothing has changed then; `image-unpublishable` where the repository refuses this publication alone
 */
export async function publishFree(
  publication: FreePublication,
  title: string,
  context: PublishingContext,
): Promise<boolean> {
  try {
    return await withRepository(context, async (repository) => {
      const given = typeof publication === 'function' ? await publication(repository) : publication;
      if (given === undefined) return false;
      const { trees, xattrs } = given;
      const contained = {
        ...given,
        trees: () => ownErrors(trees()),
        xattrs: xattrs && (() => ownErrors(xattrs())),
      };
      assertRoom(given, context);
      await publishIn(repository, { publication: contained, images: 0, layers: [], title }, context);
      return true;
    });
  } catch (error) {
    if (!isFailure(error, 'repository-unusable')) throw error;
    await publishNothing(context);
    throw refused(error, 'publication');
  }
}

/**
 * Lets the server free the storage of what was taken away.
 *
 * @returns false where the repository does not allow it
 * @throws Failure `gc-failed` where all else can be done
 */
export async function freeStorage(context: PublishingContext): Promise<boolean> {
  const { publishSignal: signal } = context;
  try {
    return await withRepository(context, async (repository) => await repository.freeStorage({ signal }));
  } catch (error) {
    if (!isFailure(error, 'repository-unusable')) throw error;
    await publishNothing(context);
    const hint = 'what is published is whole, and what was taken away takes space until it succeeds';
    throw new Failure('gc-failed', error.message, { hint, cause: error });
  }
}

/** @throws Failure where nothing at all can be published */
export async function publishNothing(context: PublishingContext): Promise<void> {
  const { publishSignal: signal } = context;
  await withRepository(context, async (repository) => {
    await repository.publish(EMPTY_PUBLICATION, { onBytes: () => undefined, signal });
  });
}

/** Does `work`, again where another program published meanwhile. */
async function withRepository<T>(
  { backend, repository: name, notice, publishSignal: signal }: PublishingContext,
  work: (repository: OpenRepository) => Promise<T>,
): Promise<T> {
  for (let left = MOST_OVERTAKEN; ; left--) {
    const repository = await backend.open(name, { notice, signal });
    try {
      return await work(repository);
    } catch (error) {
      if (!(error instanceof RepositoryOvertaken) || left === 0) throw error;
      notice('note', `${error.message}: composing the publication again`);
    } finally {
      await repository.release();
    }
  }
}

const MOST_OVERTAKEN = 3;

/**
 * Publishes a batch as one publication.
 *
 * @param demands filled with what each image brings
 * @throws Failure of the publication as a whole: nothing has changed then
 */
export async function publishTogether(
  batch: readonly ReadyCandidate[],
  context: PublishingContext,
  demands: Map<ReadyCandidate, Demand>,
): Promise<Map<ReadyCandidate, ImageResult>> {
  const { guard, listings, options } = context;
  // Most runs find nothing to publish, and start sooner without it.
  const { Composer } = await import('../compose/composer.ts');
  return await withRepository(context, async (repository) => {
    const results = await overtaken(batch, repository.view);
    const left = batch.filter((candidate) => !results.has(candidate));
    const repairs = repairsOf(left);
    await clearWay(repairs.inTheWay, repository, context);
    const composer = new Composer(repository.view, new TreeLoader(listings), {
      ...options,
      repairs: repairs.trees,
      madeAgain: repairs.names,
      limits: options.imageLimits,
      attributes: publisherAttributes(),
      capabilities: repository.capabilities,
      fileIndex: new FileIndex(listings),
    });
    for (const candidate of left) {
      const before = composer.demand;
      const images = [guardedImage(candidate)];
      const composing = async () => await compose(candidate, composer, context);
      const failed = await guard.during('composing', images, composing);
      demands.set(candidate, differenceOf(composer.demand, before));
      results.set(candidate, failed ?? doneResult('published', candidate.image));
    }
    const published = [...results].filter(([, result]) => isPublished(result)).map(([one]) => one);
    if (published.length === 0) return results;
    const publishing = async () => await publishComposed(published.length, composer, repository, context);
    const leftOut = await guard.during('publishing', published.map(guardedImage), publishing);
    for (const [candidate, result] of results) {
      const found = leftOut.find(({ publicName }) => publicName === candidate.image.publicName);
      if (found === undefined || result.outcome === 'failed') continue;
      const { output, reason } = found;
      results.set(candidate, { ...result, leftOut: { output, ...failureText(reason) } });
    }
    return results;
  });
}

/** Repairs of images that lost their names, or got other images, after somebody looked at them: those would come back. */
async function overtaken(
  batch: readonly ReadyCandidate[],
  view: RepositoryView,
): Promise<Map<ReadyCandidate, ImageResult>> {
  const results = new Map<ReadyCandidate, ImageResult>();
  for (const candidate of batch) {
    const { repair } = candidate;
    if (repair === undefined || (await publishedDigest(view, repair.name)) === repair.found) continue;
    const message = `${displayPath(repair.name)} was published anew or taken back before its repair: nothing has changed`;
    const failure = new Failure('repository-conflict', message, { hint: 'verify it again' });
    results.set(candidate, failedResult(failure));
  }
  return results;
}

/** What is to be repaired of all of them together. */
function repairsOf(batch: readonly ReadyCandidate[]) {
  const trees = new Map<string, TreeRepair>();
  const inTheWay = new Set<BytePath>();
  const names = new Set<string>();
  for (const { repair, resolved } of batch) {
    if (repair === undefined) continue;
    names.add(resolved.publicName);
    for (const [name, how] of repair.trees) if (trees.get(name) !== 'whole') trees.set(name, how);
    for (const path of repair.inTheWay) inTheWay.add(path);
  }
  return { trees, inTheWay, names };
}

/**
 * Takes away what can be replaced in no publication: everything that belongs in its place is at hand now.
 *
 * @throws Failure: nothing has changed then
 */
async function clearWay(
  paths: Iterable<BytePath>,
  repository: OpenRepository,
  context: PublishingContext,
): Promise<void> {
  const deletions: BytePath[] = [];
  for (const path of [...paths].sort()) {
    const last = deletions.at(-1);
    if (last !== undefined && path.startsWith(`${last}/`)) continue;
    if ((await repository.view.kindOf(path)) !== undefined) deletions.push(path);
  }
  if (deletions.length === 0) return;
  const title = 'room for what is repaired';
  await publishIn(
    repository,
    { publication: { ...EMPTY_PUBLICATION, deletions }, images: 0, layers: [], title },
    context,
  );
}

async function compose(
  candidate: ReadyCandidate,
  composer: Composer,
  { observe, listings }: PublishingContext,
): Promise<ImageResult | undefined> {
  try {
    for (const message of await composer.add(candidate.image))
      observe({ type: 'warning', message: `${labelOf(candidate.part)}: ${message}` });
    return undefined;
  } catch (error) {
    // Whether the repository takes others turns out when all of them are published.
    const reason = await blamed(error, async () => await isUsable(listings.directory));
    const failure = ownFailure(reason, labelOf(candidate.part), observe);
    if (failure === undefined) throw reason;
    return failedResult(failure);
  }
}

/** @returns images that are published without one of their outputs */
async function publishComposed(
  images: number,
  composer: Composer,
  repository: OpenRepository,
  context: PublishingContext,
): Promise<Composition['leftOut']> {
  const { observe } = context;
  const { publication, warnings, leftOut } = await composer.composition();
  assertRoom(publication, context);
  for (const message of warnings) observe({ type: 'warning', message });
  for (const { output, publicName, reason } of leftOut) {
    const message = `${publicName} is published without its output ${output} until a later run: ${withHint(reason)}`;
    observe({ type: 'warning', message });
    ownFailure(reason, publicName, observe);
  }
  await publishIn(repository, { publication, images, layers: composer.layers }, context);
  return leftOut;
}

async function publishIn(
  repository: OpenRepository,
  {
    publication,
    layers,
    ...announced
  }: { publication: Publication; images: number; layers: readonly Digest[]; title?: string },
  { observe, publishSignal: signal, repository: name }: PublishingContext,
): Promise<void> {
  observe({
    type: 'publication-started',
    repository: name,
    ...announced,
    contentBytes: publication.contentBytes,
  });
  let inputWaitMs: number | undefined;
  const finished = { type: 'publication-finished', repository: name, layers } as const;
  try {
    await repository.publish(publication, {
      onBytes: (bytes) => observe({ type: 'publication-bytes', bytes }),
      onInputWait: (waitMs) => (inputWaitMs = (inputWaitMs ?? 0) + waitMs),
      signal,
    });
  } catch (error) {
    const { code } = asFailure(error);
    observe({ ...finished, inputWaitMs, error: messageOf(error), code });
    throw error;
  }
  observe({ ...finished, revision: repository.revision(), inputWaitMs, error: undefined });
}

/** Keeps a publication without room for it from filling the disk. @throws Failure `disk-full` */
function assertRoom(
  { contentBytes: bytes, inodes }: Publication,
  { backend, repository: name }: PublishingContext,
): void {
  const room = backend.room(name);
  if (!exceeds({ bytes, inodes }, room)) return;
  const isLarge = bytes > (room.bytes ?? Infinity);
  const lacking = isLarge
    ? `for ${formatBytes(bytes)} in ${name} (${formatBytes(room.bytes ?? 0)} free)`
    : `for ${counted(inodes, 'file')} and folders in ${name} (there can be ${room.inodes ?? 0} more)`;
  throw new Failure('disk-full', `no room ${lacking}: nothing has changed`, {
    hint: 'make room there, or ask for a smaller image: it is tried again later; "unpackd retry" tries it now',
  });
}

export function isPublished({ outcome }: ImageResult): boolean {
  return outcome === 'published';
}
