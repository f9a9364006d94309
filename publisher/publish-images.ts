import { isFailure, type Failure, type FailureCode } from '../wishlist/failure.ts';
import { mapLimited } from '../wishlist/concurrency.ts';
import { divideIntoBatches } from './batches.ts';
import { Composer } from './compose/composer.ts';
import { TreeLoader } from './compose/image-trees.ts';
import type { LossPolicy } from './compose/losses.ts';
import { failedResult, type ImageResult, type Observer } from './events.ts';
import type { Outputs, ReadyImage, ResolvedImage, WantedImage } from './image.ts';
import type { LayerLimits } from './layer/limits.ts';
import type { ListingStore } from './layer/listing-store.ts';
import { flatPath } from './layout.ts';
import { Preparer } from './preparer.ts';
import { publishedState } from './published.ts';
import type { RegistryClient } from './registry/client.ts';
import { platformMissing } from './registry/manifest/manifests.ts';
import type { Descriptor } from './registry/manifest/manifest.ts';
import type { Backend, Notice, OpenRepository } from './repository/backend.ts';
import { ownAttributes } from './repository/own-attributes.ts';
import { missingNote, resolveImage } from './resolve.ts';
import { Results, partLabel, type Part, type PlatformResult } from './results.ts';
import type { Spool } from './spool/spool.ts';

export interface PublishingOptions {
  /** What is made, unless an image is wanted in fewer forms. */
  readonly outputs: Outputs;
  /** Publish images again that are published, with flat trees and chains made anew. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  /** Compressed layers that go in one publication. */
  readonly batchSizeBytes: number;
  readonly downloads: number;
  /** What one layer may demand. */
  readonly layerLimits: LayerLimits;
  /** How many members the layers of one image may have together. */
  readonly imageEntryLimit: number;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  /** What becomes of images of which the repository cannot hold everything. */
  readonly unkept: LossPolicy;
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
  /** In the order of the images; more than one for an image that is published for several platforms. */
  readonly images: readonly PlatformResult[];
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

/** One image on its way, for one platform. */
interface Candidate {
  readonly part: Part;
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
  wanted: readonly WantedImage[],
  parts: PublishingParts,
  options: PublishingOptions,
): Promise<PublishingReport> {
  const results = new Results(wanted, parts.observe);
  const run = new Run(name, { ...parts, results }, options);
  await parts.backend.recover(name, run.notice);
  let stopped: Failure | undefined;
  try {
    parts.observe({ type: 'images', count: wanted.length });
    const candidates = await run.resolve(wanted);
    for (const batch of divideIntoBatches(candidates, options.batchSizeBytes)) await run.publish(batch);
  } catch (error) {
    if (!isFailure(error)) throw error;
    stopped = error;
    results.finishRest(failedResult(error));
  }
  return { images: results.all(), publications: run.publications, stopped };
}

class Run {
  publications = 0;
  readonly notice: Notice;
  readonly #name: string;
  readonly #parts: PublishingParts & { readonly results: Results };
  readonly #options: PublishingOptions;
  readonly #preparer: Preparer;

  constructor(
    name: string,
    parts: PublishingParts & { readonly results: Results },
    options: PublishingOptions,
  ) {
    this.#name = name;
    this.#parts = parts;
    this.#options = options;
    this.notice = (type, message) => parts.observe({ type, message });
    const { overwriteLayers, downloads, layerLimits, imageEntryLimit } = options;
    const view = parts.backend.view(name);
    this.#preparer = new Preparer(
      { ...parts, view },
      {
        overwriteLayers,
        layersAtATime: downloads,
        limits: layerLimits,
        imageEntryLimit,
        signal: parts.signal,
      },
    );
  }

  /** The images that are to be published: not those that are current, nor those that fail already. */
  async resolve(all: readonly WantedImage[]): Promise<Candidate[]> {
    const found = await mapLimited(all, IMAGES_AT_A_TIME, async (wanted) => {
      const part = { wanted, platform: undefined };
      this.#parts.observe({ type: 'image-started', image: partLabel(part) });
      return await this.#orFail(part, async () => await this.#candidates(wanted));
    });
    return found.flatMap((candidates) => candidates ?? []);
  }

  /** Fetches what the batch needs, and publishes it at once. The repository is held for the publication alone. */
  async publish(batch: readonly Candidate[]): Promise<void> {
    const prepared = await mapLimited(
      batch,
      IMAGES_AT_A_TIME,
      async ({ part, resolved }) =>
        await this.#orFail(part, async () => ({
          part,
          image: await this.#preparer.prepare(resolved),
        })),
    );
    const ready = prepared.filter((image) => image !== undefined);
    if (ready.length > 0) await this.#publishReady(ready);
  }

  async #candidates(wanted: WantedImage): Promise<Candidate[]> {
    const { client, results, observe } = this.#parts;
    const { images, missing, available } = await resolveImage(client, wanted, this.#options.outputs);
    const lacking = missing.filter(({ isRequired }) => isRequired).map(({ platform }) => platform);
    results.expect(wanted, [...images.map(({ platform }) => platform), ...lacking]);
    for (const platform of lacking)
      results.finish(
        { wanted, platform },
        failedResult(platformMissing(wanted.reference, [platform], available)),
      );
    for (const { platform, isRequired } of missing)
      if (!isRequired) observe({ type: 'note', message: missingNote(wanted, platform) });
    const candidates: Candidate[] = [];
    for (const image of images) {
      const candidate = await this.#candidate(wanted, image);
      if (candidate !== undefined) candidates.push(candidate);
    }
    return candidates;
  }

  async #candidate(wanted: WantedImage, resolved: ResolvedImage): Promise<Candidate | undefined> {
    const { convertAgain, overwriteLayers } = this.#options;
    const part = { wanted, platform: resolved.platform };
    const state = await publishedState(this.#parts.backend.view(this.#name), resolved);
    if (state === 'current' && !convertAgain && !overwriteLayers) {
      // A run that was killed right after the publication may have left them.
      await this.#preparer.discard(resolved);
      this.#parts.results.finish(part, this.#done('unchanged', resolved));
      return undefined;
    }
    return { part, resolved, missing: await this.#preparer.missingLayers(resolved) };
  }

  async #publishReady(ready: readonly { part: Part; image: ReadyImage }[]): Promise<void> {
    const { backend, results, signal, observe } = this.#parts;
    const repository = await backend.open(this.#name, { notice: this.notice, signal });
    try {
      const loader = new TreeLoader(this.#parts.listings);
      const composer = new Composer(repository.view, loader, {
        ...this.#options,
        attributes: ownAttributes(),
        holding: repository.holding,
      });
      const composed: (typeof ready)[number][] = [];
      for (const item of ready) {
        const warnings = await this.#orFail(item.part, async () => await composer.add(item.image));
        if (warnings === undefined) continue;
        for (const message of warnings)
          observe({ type: 'warning', message: `${partLabel(item.part)}: ${message}` });
        composed.push(item);
      }
      if (composed.length > 0) await this.#publishComposed(composed.length, composer, repository);
      for (const { part, image } of composed) results.finish(part, this.#done('published', image));
      for (const { image } of composed) await this.#preparer.discard(image);
    } finally {
      await repository.release();
    }
  }

  async #publishComposed(images: number, composer: Composer, repository: OpenRepository): Promise<void> {
    const { observe, signal } = this.#parts;
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
  async #orFail<T>(part: Part, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isFailure(error) || STOPPING.has(error.code)) throw error;
      this.#parts.results.finish(part, failedResult(error));
      return undefined;
    }
  }

  #done(outcome: 'published' | 'unchanged', { publicName, manifest, outputs }: ResolvedImage): ImageResult {
    const config = manifest.config.digest;
    return { outcome, config, publicPath: publicName, flatPath: outputs.flat ? flatPath(config) : undefined };
  }
}
