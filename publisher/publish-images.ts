import { isFailure, type Failure, type FailureCode } from '../wishlist/failure.ts';
import { mapLimited } from '../wishlist/concurrency.ts';
import { formatReference, type ImageReference } from '../wishlist/reference.ts';
import { divideIntoBatches } from './batches.ts';
import { Composer } from './compose/composer.ts';
import { TreeLoader } from './compose/image-trees.ts';
import type { ImageResult, Observer } from './events.ts';
import type { Outputs, ReadyImage, ResolvedImage } from './image.ts';
import type { ListingStore } from './layer/listing-store.ts';
import { flatPath } from './layout.ts';
import { Preparer } from './preparer.ts';
import { publishedState } from './published.ts';
import type { RegistryClient } from './registry/client.ts';
import type { Descriptor } from './registry/manifest.ts';
import type { Backend, Notice } from './repository/backend.ts';
import { ownAttributes } from './repository/own-attributes.ts';
import type { Spool } from './spool/spool.ts';

export interface PublishingOptions {
  readonly outputs: Outputs;
  /** Publish images again that are published, with flat trees and chains made anew. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  /** Compressed layers that go in one publication. */
  readonly batchSizeBytes: number;
  readonly downloads: number;
}

/** What a run works with. */
export interface PublishingParts {
  readonly client: RegistryClient;
  readonly spool: Spool;
  readonly listings: ListingStore;
  readonly backend: Backend;
  readonly observe: Observer;
  readonly signal: AbortSignal;
}

/** How a run ended. */
export interface PublishingReport {
  /** One for each reference, in their order. */
  readonly images: readonly { readonly image: string; readonly result: ImageResult }[];
  readonly publications: number;
  /** What ended the run before all images were done. */
  readonly stopped: Failure | undefined;
}

/** Failures that are not one image's: nothing can be published while they last. */
const STOPPING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'repository-unusable',
  'repository-busy',
  'disk-full',
  'state-unusable',
  'interrupted',
]);

const IMAGES_AT_A_TIME = 8;

/** One image on its way. */
interface Candidate {
  readonly reference: ImageReference;
  readonly resolved: ResolvedImage;
  readonly missing: readonly Descriptor[];
}

/**
 * Publishes images in the repository `name`: those that are current stay, the others go batch by batch. An image that
 * fails leaves the others alone.
 *
 * @throws Failure `repository-unusable`, `repository-busy` where the repository cannot be used from the start
 */
export async function publishImages(
  name: string,
  references: readonly ImageReference[],
  parts: PublishingParts,
  options: PublishingOptions,
): Promise<PublishingReport> {
  const run = new Run(name, parts, options);
  await parts.backend.recover(name, run.notice);
  let stopped: Failure | undefined;
  try {
    parts.observe({ type: 'images', count: references.length });
    const candidates = await run.resolve(references);
    for (const batch of divideIntoBatches(candidates, options.batchSizeBytes)) await run.publish(batch);
  } catch (error) {
    if (!isFailure(error)) throw error;
    stopped = error;
    for (const reference of references) run.finish(reference, failed(error));
  }
  const images = references.map((reference) => ({
    image: formatReference(reference),
    result: run.resultOf(reference),
  }));
  return { images, publications: run.publications, stopped };
}

class Run {
  publications = 0;
  readonly notice: Notice;
  readonly #name: string;
  readonly #parts: PublishingParts;
  readonly #options: PublishingOptions;
  readonly #preparer: Preparer;
  readonly #results = new Map<ImageReference, ImageResult>();

  constructor(name: string, parts: PublishingParts, options: PublishingOptions) {
    this.#name = name;
    this.#parts = parts;
    this.#options = options;
    this.notice = (type, message) => parts.observe({ type, message });
    const { outputs, overwriteLayers, downloads } = options;
    const view = parts.backend.view(name);
    this.#preparer = new Preparer(
      { ...parts, view },
      { outputs, overwriteLayers, layersAtATime: downloads, signal: parts.signal },
    );
  }

  /** The images that are to be published: not those that are current, nor those that fail already. */
  async resolve(references: readonly ImageReference[]): Promise<Candidate[]> {
    const found = await mapLimited(references, IMAGES_AT_A_TIME, async (reference) => {
      this.#parts.observe({ type: 'image-started', image: formatReference(reference) });
      return await this.#orFail(reference, async () => await this.#candidate(reference));
    });
    return found.filter((candidate) => candidate !== undefined);
  }

  /** Fetches what the batch needs, and publishes it at once. The repository is held for the publication alone. */
  async publish(batch: readonly Candidate[]): Promise<void> {
    const prepared = await mapLimited(
      batch,
      IMAGES_AT_A_TIME,
      async ({ reference, resolved }) =>
        await this.#orFail(reference, async () => ({
          reference,
          image: await this.#preparer.prepare(reference, resolved),
        })),
    );
    const ready = prepared.filter((image) => image !== undefined);
    if (ready.length > 0) await this.#publishReady(ready);
  }

  finish(reference: ImageReference, result: ImageResult): void {
    if (this.#results.has(reference)) return;
    this.#results.set(reference, result);
    this.#parts.observe({ type: 'image-finished', image: formatReference(reference), result });
  }

  resultOf(reference: ImageReference): ImageResult {
    const result = this.#results.get(reference);
    if (result === undefined) throw new Error(`${formatReference(reference)} was forgotten`);
    return result;
  }

  async #candidate(reference: ImageReference): Promise<Candidate | undefined> {
    const { outputs, convertAgain, overwriteLayers } = this.#options;
    const resolved = await this.#preparer.resolve(reference);
    const state = await publishedState(this.#parts.backend.view(this.#name), resolved, outputs);
    if (state === 'current' && !convertAgain && !overwriteLayers) {
      // A run that was killed right after the publication may have left them.
      await this.#preparer.discard(resolved);
      this.finish(reference, this.#done('unchanged', resolved));
      return undefined;
    }
    return { reference, resolved, missing: await this.#preparer.missingLayers(resolved) };
  }

  async #publishReady(ready: readonly { reference: ImageReference; image: ReadyImage }[]): Promise<void> {
    const { backend, signal, observe } = this.#parts;
    const repository = await backend.open(this.#name, { notice: this.notice, signal });
    try {
      const loader = new TreeLoader(this.#parts.listings);
      const composer = new Composer(repository.view, loader, {
        ...this.#options,
        attributes: ownAttributes(),
      });
      const composed: (typeof ready)[number][] = [];
      for (const item of ready) {
        const warnings = await this.#orFail(item.reference, async () => await composer.add(item.image));
        if (warnings === undefined) continue;
        for (const message of warnings)
          observe({ type: 'warning', message: `${formatReference(item.reference)}: ${message}` });
        composed.push(item);
      }
      if (composed.length > 0)
        await this.#publishComposed(composed.length, composer, async (publication, onBytes) => {
          await repository.publish(publication, { onBytes, signal });
        });
      for (const { reference, image } of composed) this.finish(reference, this.#done('published', image));
      for (const { image } of composed) await this.#preparer.discard(image);
    } finally {
      await repository.release();
    }
  }

  async #publishComposed(
    images: number,
    composer: Composer,
    publish: (
      publication: Awaited<ReturnType<Composer['publication']>>,
      onBytes: (bytes: number) => void,
    ) => Promise<void>,
  ): Promise<void> {
    const { observe } = this.#parts;
    const publication = await composer.publication();
    const { layers } = composer;
    observe({ type: 'publication-started', images, contentBytes: publication.contentBytes });
    try {
      await publish(publication, (bytes) => observe({ type: 'publication-bytes', bytes }));
    } catch (error) {
      observe({
        type: 'publication-finished',
        layers,
        error: error instanceof Error ? error.message : String(error),
      });
      throw error;
    }
    this.publications++;
    observe({ type: 'publication-finished', layers, error: undefined });
  }

  /** Turns a failure of one image into its result; `undefined` then. */
  async #orFail<T>(reference: ImageReference, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isFailure(error) || STOPPING.has(error.code)) throw error;
      this.finish(reference, failed(error));
      return undefined;
    }
  }

  #done(outcome: 'published' | 'unchanged', { publicName, manifest }: ResolvedImage): ImageResult {
    const config = manifest.config.digest;
    const { flat } = this.#options.outputs;
    return { outcome, config, publicPath: publicName, flatPath: flat ? flatPath(config) : undefined };
  }
}

function failed({ code, message, hint }: Failure): ImageResult {
  return { outcome: 'failed', code, message, hint };
}
