import type { Failure } from '../wishlist/failure.ts';
import { lookAt, lookingSlots, type Candidate, type Explain, type Look } from './candidates.ts';
import type { LossPolicy } from './compose/losses.ts';
import type { Observer } from './events.ts';
import type { Outputs, WantedImage } from './image.ts';
import type { LayerLimits } from './layer/limits.ts';
import type { ListingStore } from './layer/listing-store.ts';
import type { MultiarchLinks } from './multiarch.ts';
import { Preparer } from './preparer.ts';
import { publishBatch } from './publish-batch.ts';
import { PublishingQueue, type QueueState } from './queue/queue.ts';
import type { BatchRule } from './queue/batch-rule.ts';
import type { RegistryClient } from './registry/client.ts';
import type { Backend, Notice } from './repository/backend.ts';
import type { RepositoryView } from './repository/view.ts';
import type { PlatformResult, Results } from './results.ts';
import type { SpoolBudget } from './spool/budget.ts';
import type { Spool } from './spool/spool.ts';
import { isUsable } from './storage-failure.ts';

export interface PublishingOptions {
  /** What is made, unless an image is wanted in fewer forms. */
  readonly outputs: Outputs;
  /** Made where the clients of the repository follow them. */
  readonly multiarchLinks: MultiarchLinks;
  /** Publish images again that are published, with flat trees and chains made anew. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  readonly batches: BatchRule;
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

/** What publishing works with. */
export interface PublishingParts {
  readonly client: RegistryClient;
  readonly spool: Spool;
  readonly budget: SpoolBudget;
  readonly listings: ListingStore;
  readonly backend: Backend;
  readonly observe: Observer;
  /** When aborted nothing more is asked or fetched. */
  readonly signal: AbortSignal;
  /** When aborted a publication that runs is ended, with nothing published; by default as `signal`. */
  readonly publishSignal?: AbortSignal;
}

/** How publishing some images ended. */
export interface PublishingReport {
  /** In the order of the images; more than one for an image that is published for several platforms. */
  readonly images: readonly PlatformResult[];
  readonly publications: number;
  /** What ended it before all images were done. */
  readonly stopped: Failure | undefined;
}

/** Images that were looked at, and what became of those that need nothing more. */
export interface Pass extends Look {
  readonly results: Results;
  /** To be called once when what was found is in the queue. */
  readonly arrived: () => void;
}

/** Publishes images in one repository, also while it still publishes others. */
export class RepositoryPublisher {
  readonly name: string;
  readonly view: RepositoryView;
  readonly #parts: PublishingParts;
  readonly #options: PublishingOptions;
  readonly #notice: Notice;
  readonly #preparer: Preparer;
  readonly #queue: PublishingQueue;
  readonly #slots = lookingSlots();
  /** Public names that are on their way, with how often they are: by passes, and by platforms. */
  readonly #names = new Map<string, number>();
  #publications = 0;

  /** @throws Failure `repository-unusable` where this machine has no such repository */
  constructor(name: string, parts: PublishingParts, options: PublishingOptions) {
    this.name = name;
    this.view = parts.backend.view(name);
    this.#parts = parts;
    this.#options = options;
    this.#notice = (type, message) => parts.observe({ type, message });
    const { overwriteLayers, downloads: layersAtATime, layerLimits: limits, imageEntryLimit } = options;
    this.#preparer = new Preparer(
      { ...parts, view: this.view },
      { overwriteLayers, layersAtATime, limits, imageEntryLimit },
    );
    const { publishSignal = parts.signal } = parts;
    const batchParts = { ...parts, name, notice: this.#notice, signal: publishSignal };
    this.#queue = new PublishingQueue(
      {
        ...parts,
        prepare: async (image, signal) => await this.#preparer.prepare(image, signal),
        isStateUsable: async () =>
          (await isUsable(parts.spool.directory)) && (await isUsable(parts.listings.directory)),
        publish: async (batch) => {
          const report = await publishBatch(batch, batchParts, options);
          this.#publications += report.publications;
          return report;
        },
      },
      options.batches,
    );
  }

  get state(): QueueState {
    return this.#queue.state;
  }

  /** How many publications there were. */
  get publications(): number {
    return this.#publications;
  }

  /** Makes images be on their way until the function that it answers is called. */
  claim(images: readonly WantedImage[]): () => void {
    for (const image of images) this.#count(image, 1);
    return () => {
      for (const image of images) this.#count(image, -1);
    };
  }

  /** Whether `image` is on its way from an earlier pass. */
  isPublishing({ publicName }: WantedImage): boolean {
    return this.#names.has(publicName);
  }

  /** Whether nothing more is to be published for now. */
  hold(isHeld: boolean): void {
    this.#queue.hold(isHeld);
  }

  close(): void {
    this.#queue.close();
  }

  /**
   * Clears up what a crash of an earlier run left.
   *
   * @throws Failure `repository-unusable`
   */
  async recover(): Promise<void> {
    await this.#parts.backend.recover(this.name, this.#notice);
  }

  /**
   * Asks the registries what `wanted` means now; `explain` has more to say of those that cannot be had. Images of different
   * registries had better be looked at apart: a pass takes as long as the slowest.
   *
   * @throws Failure that is no image's own
   */
  async look(wanted: readonly WantedImage[], results: Results, explain?: Explain): Promise<Pass> {
    const { convertAgain, overwriteLayers, outputs } = this.#options;
    const multiarchLinks = this.#parts.backend.expandsLinks ? this.#options.multiarchLinks : 'never';
    this.#parts.observe({ type: 'images', count: wanted.length });
    const arrived = this.#queue.expect();
    try {
      const look = await lookAt(
        wanted,
        { ...this.#parts, view: this.view, preparer: this.#preparer, slots: this.#slots, results, explain },
        { forms: { outputs, multiarchLinks }, isForced: convertAgain || overwriteLayers },
      );
      return { ...look, results, arrived };
    } catch (error) {
      arrived();
      throw error;
    }
  }

  /**
   * Publishes what a look has found, and returns when all of it has ended.
   *
   * @throws Failure that is no image's own, which is then the result of all that are not published
   */
  async publish(
    { candidates, results, arrived }: Pass,
    groupOf: (candidate: Candidate) => string,
  ): Promise<void> {
    for (const { part } of candidates) this.#count(part.wanted, 1);
    const published = this.#queue.add(
      candidates,
      ({ part, resolved }, result) => {
        this.#count(part.wanted, -1);
        results.finish(part, result, resolved);
      },
      groupOf,
    );
    arrived();
    await published;
  }

  #count({ publicName }: WantedImage, change: number): void {
    const count = (this.#names.get(publicName) ?? 0) + change;
    if (count > 0) this.#names.set(publicName, count);
    else this.#names.delete(publicName);
  }
}
