import { formatBytes, counted } from '../../core/text.ts';
import { asFailure, Failure, withHint } from '../../core/failure.ts';
import { blamed } from './blame.ts';
import { doneResult, type Candidate } from './candidates.ts';
import { Composer, type ComposerOptions, type Composition } from '../compose/composer.ts';
import { TreeLoader } from '../tree/image-trees.ts';
import { failedResult, failureText, type ImageResult, type Observer } from '../image/events.ts';
import { subjectOf, type Guard } from './guard.ts';
import type { ReadyImage } from '../image/image.ts';
import type { ListingStore } from '../layer/listing-store.ts';
import { ownErrors, ownFailure } from '../image/own-failure.ts';
import type { Backend, Notice, OpenRepository, Publication } from '../publication/backend.ts';
import { differenceOf, exceeds, type Demand, type FreeRoom } from '../../core/system/free-space.ts';
import { publisherAttributes } from '../publication/own-attributes.ts';
import { labelOf } from '../image/results.ts';
import { isUsable } from '../../core/storage-failure.ts';

/** A candidate with everything that its publication needs at hand. */
export interface ReadyCandidate extends Candidate {
  readonly image: ReadyImage;
}

export interface BatchParts {
  readonly name: string;
  readonly backend: Backend;
  readonly listings: ListingStore;
  readonly observe: Observer;
  readonly notice: Notice;
  readonly guard: Guard;
  readonly signal: AbortSignal;
}

export type BatchOptions = Omit<ComposerOptions, 'attributes' | 'capabilities'>;

/** @throws Failure where nothing at all can be published */
export async function publishNothing({ backend, name, notice, signal }: BatchParts): Promise<void> {
  const repository = await backend.open(name, { notice, signal });
  try {
    await repository.publish(NOTHING, { onBytes: () => undefined, signal });
  } finally {
    await repository.release();
  }
}

const NOTHING: Publication = {
  deletions: [],
  outdated: [],
  trees: () => ownErrors([]),
  names: [],
  xattrs: undefined,
  contentBytes: 0,
  inodes: 0,
};

/**
 * @param demands gets what each image brings
 * @throws what the publication as a whole fails for: then nothing has changed
 */
export async function publishTogether(
  batch: readonly ReadyCandidate[],
  parts: BatchParts,
  options: BatchOptions,
  demands: Map<ReadyCandidate, Demand>,
): Promise<Map<ReadyCandidate, ImageResult>> {
  const { backend, name, notice, signal, guard } = parts;
  const repository = await backend.open(name, { notice, signal });
  try {
    const composer = new Composer(repository.view, new TreeLoader(parts.listings), {
      ...options,
      attributes: publisherAttributes(),
      capabilities: repository.capabilities,
    });
    const results = new Map<ReadyCandidate, ImageResult>();
    for (const candidate of batch) {
      const before = composer.demand;
      const composing = async (): Promise<ImageResult | undefined> =>
        await compose(candidate, composer, parts);
      const failed = await guard.during('composing', [subjectOf(candidate)], composing);
      demands.set(candidate, differenceOf(composer.demand, before));
      results.set(candidate, failed ?? doneResult('published', candidate.image));
    }
    const published = [...results.values()].filter(isPublished).length;
    if (published === 0) return results;
    const subjects = [...results].filter(([, result]) => isPublished(result)).map(([one]) => subjectOf(one));
    const withoutPodman = await guard.during(
      'publishing',
      subjects,
      async () => await publishComposed(published, { composer, repository }, parts),
    );
    for (const [candidate, result] of results) {
      const failure = withoutPodman.get(candidate.image.publicName);
      if (failure !== undefined && result.outcome !== 'failed')
        results.set(candidate, { ...result, withoutPodman: failureText(failure) });
    }
    return results;
  } finally {
    await repository.release();
  }
}

/** The result of an image that cannot be composed. */
async function compose(
  candidate: ReadyCandidate,
  composer: Composer,
  { observe, listings }: Pick<BatchParts, 'observe' | 'listings'>,
): Promise<ImageResult | undefined> {
  try {
    for (const message of await composer.add(candidate.image))
      observe({ type: 'warning', message: `${labelOf(candidate.part)}: ${message}` });
    return undefined;
  } catch (error) {
    // Whether the repository takes others is found out with all of them.
    const reason = await blamed(error, { isStateUsable: async () => await isUsable(listings.directory) });
    const failure = ownFailure(reason, labelOf(candidate.part), observe);
    if (failure === undefined) throw reason;
    return failedResult(failure);
  }
}

/** A publication that is begun without room for it fills the disk. @throws Failure `disk-full` */
function assertRoom({ contentBytes: bytes, inodes }: Publication, room: FreeRoom, name: string): void {
  if (!exceeds({ bytes, inodes }, room)) return;
  const isLarge = bytes > (room.bytes ?? Infinity);
  const lacking = isLarge
    ? `for ${formatBytes(bytes)} in ${name} (${formatBytes(room.bytes ?? 0)} free)`
    : `for ${counted(inodes, 'file')} and folders in ${name} (there can be ${room.inodes ?? 0} more)`;
  throw new Failure('disk-full', `no room ${lacking}: nothing has changed`, {
    hint: 'make room there, or ask for a smaller image: it is tried again, or at once with "unpackd retry"',
  });
}

async function publishComposed(
  images: number,
  { composer, repository }: { readonly composer: Composer; readonly repository: OpenRepository },
  { backend, name, observe, signal }: BatchParts,
): Promise<Composition['withoutPodman']> {
  const { publication, warnings, withoutPodman } = await composer.composition();
  assertRoom(publication, backend.room(name), name);
  for (const message of warnings) observe({ type: 'warning', message });
  for (const [publicName, failure] of withoutPodman) {
    const message = `${publicName} is published without the podman store until a later run, since that cannot take it: ${withHint(failure)}`;
    observe({ type: 'warning', message });
    ownFailure(failure, publicName, observe);
  }
  const { layers } = composer;
  observe({ type: 'publication-started', images, contentBytes: publication.contentBytes });
  try {
    await repository.publish(publication, {
      onBytes: (bytes) => observe({ type: 'publication-bytes', bytes }),
      signal,
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    observe({ type: 'publication-finished', layers, error: text, code: asFailure(error).code });
    throw error;
  }
  observe({ type: 'publication-finished', layers, revision: repository.revision(), error: undefined });
  return withoutPodman;
}

export function isPublished({ outcome }: ImageResult): boolean {
  return outcome === 'published';
}
