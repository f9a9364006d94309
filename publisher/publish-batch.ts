import { withHint } from '../wishlist/failure.ts';
import { doneResult, type Candidate } from './candidates.ts';
import { Composer, type ComposerOptions, type Composition } from './compose/composer.ts';
import { TreeLoader } from './compose/image-trees.ts';
import { failedResult, failureText, type ImageResult, type Observer } from './events.ts';
import type { ReadyImage } from './image.ts';
import type { ListingStore } from './layer/listing-store.ts';
import { formatBytes } from '../wishlist/byte-size.ts';
import { Failure, isFailure } from '../wishlist/failure.ts';
import { asFailure, ownFailure } from './own-failure.ts';
import { weightOf } from './queue/batches.ts';
import type { Backend, Notice, OpenRepository } from './repository/backend.ts';
import { ownAttributes } from './repository/own-attributes.ts';
import { partLabel } from './results.ts';

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
  /** How many there were. */
  readonly publications: number;
  /** What ended it before all images had results: a failure that is none of theirs. */
  readonly stopped: unknown;
}

/**
 * Publishes a batch at once. The repository is held for the publication alone. An image that cannot be composed fails
 * by itself.
 */
export async function publishBatch(
  batch: readonly ReadyCandidate[],
  parts: BatchParts,
  options: BatchOptions,
): Promise<BatchReport> {
  const publishing = new BatchPublishing({ ...parts, observe: onceEach(parts.observe) }, options);
  let stopped: unknown;
  try {
    await publishing.publish(batch);
  } catch (error) {
    stopped = error;
  }
  return { results: publishing.results, publications: publishing.publications, stopped };
}

class BatchPublishing {
  readonly results = new Map<ReadyCandidate, ImageResult>();
  publications = 0;
  readonly #parts: BatchParts;
  readonly #options: BatchOptions;

  constructor(parts: BatchParts, options: BatchOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Where the publication as a whole fails for no reason of the repository's, an image is to blame, and nobody says which:
   * the halves are published instead, down to the image that fails alone.
   */
  async publish(batch: readonly ReadyCandidate[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    try {
      this.#take(await publishTogether(batch, this.#parts, this.#options));
    } catch (error) {
      const isAlone = batch.length === 1;
      const failure = ownFailure(error, partLabel(first.part), isAlone ? this.#parts.observe : IGNORE);
      if (failure === undefined) throw error;
      if (isAlone) {
        this.results.set(first, failedResult(failure));
        return;
      }
      if (failure.code === 'disk-full') {
        await this.#publishWhatFits(batch.toSorted((one, other) => weightOf(one) - weightOf(other)));
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.publish(batch.slice(0, half));
      await this.publish(batch.slice(half));
    }
  }

  /**
   * There is no room for all of them. Where the one that brings least does not fit, none does: so few publications are tried
   * in vain, also where there is no room at all.
   *
   * @param batch what brings least first
   */
  async #publishWhatFits(batch: readonly ReadyCandidate[]): Promise<void> {
    let rest = batch;
    for (let count = Math.ceil(rest.length / 2); rest.length > 0;) {
      const part = rest.slice(0, count);
      try {
        this.#take(await publishTogether(part, this.#parts, this.#options));
        rest = rest.slice(count);
      } catch (error) {
        if (ownFailure(error, '', IGNORE) === undefined) throw error;
        if (!isFailure(error, 'disk-full')) {
          await this.publish(part);
          rest = rest.slice(count);
        } else if (part.length > 1) count = Math.ceil(part.length / 2);
        else {
          for (const [index, candidate] of rest.entries())
            this.results.set(candidate, failedResult(index === 0 ? error : larger(candidate, error)));
          return;
        }
      }
    }
  }

  #take(results: ReadonlyMap<ReadyCandidate, ImageResult>): void {
    for (const [candidate, result] of results) this.results.set(candidate, result);
    if ([...results.values()].some(isPublished)) this.publications++;
  }
}

/** What an image fails for that brings more than the one that `failure` is about. */
function larger(candidate: ReadyCandidate, { code, message, hint }: Failure): Failure {
  const size = formatBytes(weightOf(candidate));
  return new Failure(code, `its layers have ${size} compressed, and what brings less finds ${message}`, {
    ...(hint !== undefined && { hint }),
  });
}

function isPublished({ outcome }: ImageResult): boolean {
  return outcome === 'published';
}

const IGNORE: Observer = () => undefined;

/** What is found out again of an image, when it is composed again, is told once. */
function onceEach(observe: Observer): Observer {
  const told = new Set<string>();
  return (event) => {
    const text = event.type === 'warning' ? event.message : event.type === 'bug' ? event.stack : undefined;
    if (text !== undefined && told.has(text)) return;
    if (text !== undefined) told.add(text);
    observe(event);
  };
}

/** @throws what the publication as a whole fails for: then nothing has changed */
async function publishTogether(
  batch: readonly ReadyCandidate[],
  parts: BatchParts,
  options: BatchOptions,
): Promise<Map<ReadyCandidate, ImageResult>> {
  const { backend, name, notice, signal, observe } = parts;
  const repository = await backend.open(name, { notice, signal });
  try {
    const composer = new Composer(repository.view, new TreeLoader(parts.listings), {
      ...options,
      attributes: ownAttributes(),
      holding: repository.holding,
    });
    const results = new Map<ReadyCandidate, ImageResult>();
    for (const candidate of wholeFirst(batch)) {
      const failed = await compose(candidate, composer, observe);
      results.set(candidate, failed ?? doneResult('published', candidate.image));
    }
    const published = [...results.values()].filter(isPublished).length;
    if (published === 0) return results;
    const withoutPodman = await publishComposed(published, { composer, repository }, parts);
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

/** Images of one config have one flat tree: that of one without some of its layers is the last choice. */
function wholeFirst(batch: readonly ReadyCandidate[]): ReadyCandidate[] {
  const lacking = ({ image }: ReadyCandidate): number => image.manifest.skipped.length;
  return batch.toSorted((one, other) => lacking(one) - lacking(other));
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
    const failure = ownFailure(error, partLabel(candidate.part), observe);
    if (failure === undefined) throw error;
    return failedResult(failure);
  }
}

async function publishComposed(
  images: number,
  { composer, repository }: { readonly composer: Composer; readonly repository: OpenRepository },
  { observe, signal }: BatchParts,
): Promise<Composition['withoutPodman']> {
  const { publication, warnings, withoutPodman } = await composer.composition();
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
