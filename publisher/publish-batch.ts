import { isFailure } from '../wishlist/failure.ts';
import { doneResult, type Candidate } from './candidates.ts';
import { Composer, type ComposerOptions } from './compose/composer.ts';
import { TreeLoader } from './compose/image-trees.ts';
import { failedResult, type ImageResult, type Observer } from './events.ts';
import type { ReadyImage } from './image.ts';
import type { ListingStore } from './layer/listing-store.ts';
import type { Backend, Notice, OpenRepository } from './repository/backend.ts';
import { ownAttributes } from './repository/own-attributes.ts';
import { partLabel } from './results.ts';
import { STOPPING } from './stopping.ts';

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
  readonly signal: AbortSignal;
}

export type BatchOptions = Omit<ComposerOptions, 'attributes' | 'holding'>;

/** What became of one batch. */
export interface BatchReport {
  readonly results: ReadonlyMap<ReadyCandidate, ImageResult>;
  /** Whether there was anything to publish. */
  readonly isPublished: boolean;
}

/**
 * Publishes a batch at once. The repository is held for the publication alone. An image that cannot be composed fails
 * by itself.
 *
 * @throws Failure one of {@link STOPPING}: then nothing has changed
 */
export async function publishBatch(
  batch: readonly ReadyCandidate[],
  parts: BatchParts,
  options: BatchOptions,
): Promise<BatchReport> {
  const { backend, name, notice, signal, observe } = parts;
  const repository = await backend.open(name, { notice, signal });
  try {
    const composer = new Composer(repository.view, new TreeLoader(parts.listings), {
      ...options,
      attributes: ownAttributes(),
      holding: repository.holding,
    });
    const results = new Map<ReadyCandidate, ImageResult>();
    for (const candidate of batch) {
      const failed = await compose(candidate, composer, observe);
      results.set(candidate, failed ?? doneResult('published', candidate.image));
    }
    const published = [...results.values()].filter(({ outcome }) => outcome === 'published').length;
    if (published > 0) await publishComposed(published, { composer, repository }, parts);
    return { results, isPublished: published > 0 };
  } finally {
    await repository.release();
  }
}

/** The result of an image that cannot be composed. */
async function compose(
  candidate: ReadyCandidate,
  composer: Composer,
  observe: Observer,
): Promise<ImageResult | undefined> {
  try {
    for (const message of await composer.add(candidate.image))
      observe({ type: 'warning', message: `${partLabel(candidate.part)}: ${message}` });
    return undefined;
  } catch (error) {
    if (!isFailure(error) || STOPPING.has(error.code)) throw error;
    return failedResult(error);
  }
}

async function publishComposed(
  images: number,
  { composer, repository }: { readonly composer: Composer; readonly repository: OpenRepository },
  { observe, signal }: BatchParts,
): Promise<void> {
  const { publication, warnings } = await composer.composition();
  for (const message of warnings) observe({ type: 'warning', message });
  const { layers } = composer;
  observe({ type: 'publication-started', images, contentBytes: publication.contentBytes });
  try {
    await repository.publish(publication, {
      onBytes: (bytes) => observe({ type: 'publication-bytes', bytes }),
      signal,
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    observe({ type: 'publication-finished', layers, error: text });
    throw error;
  }
  observe({ type: 'publication-finished', layers, revision: repository.revision(), error: undefined });
}
