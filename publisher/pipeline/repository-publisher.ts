import { isFailure, type Failure } from '../../core/failure.ts';
import { lookAt, lookingSlots, type Candidate, type Explain, type Look } from './candidates.ts';
import type { ImageLimits } from '../image/image-limits.ts';
import type { LossPolicy } from '../compose/losses.ts';
import type { Observer } from '../image/events.ts';
import { subjectOf, UNGUARDED, type Guard } from './guard.ts';
import type { ReadyImage, WantedImage } from '../image/image.ts';
import type { Outputs } from '../../core/outputs.ts';
import type { LayerLimits } from '../layer/limits.ts';
import type { ListingStore } from '../layer/listing-store.ts';
import type { MultiarchLinks } from '../image/public-links.ts';
import { Preparer } from './preparer.ts';
import { publishBatch, type BatchReport } from './publish-batch.ts';
import { PublishingQueue, type QueueParts, type QueueState } from './queue.ts';
import type { BatchRule } from './batch-rule.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Backend, Notice } from '../publication/backend.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { PlatformResult, Results } from '../image/results.ts';
import type { SpoolBudget } from '../spool/budget.ts';
import type { Spool } from '../spool/spool.ts';
import { isUsable } from '../../core/storage-failure.ts';

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
  /** What one layer may meter. */
  readonly layerLimits: LayerLimits;
  /** What one image may meter. */
  readonly imageLimits: ImageLimits;
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
  readonly guard?: Guard | undefined;
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
  readonly isAlone: boolean;
}

export interface LookOptions {
  /** Has more to say of images that cannot be had. */
  readonly explain?: Explain | undefined;
  /** Whether nothing that was found otherwise goes with it, nor is waited for. */
  readonly isAlone?: boolean;
}

/** Publishes images in one repository, also while it still publishes others. */
export class RepositoryPublisher {
  readonly name: string;
  readonly view: RepositoryView;
  readonly #parts: PublishingParts;
  readonly #options: PublishingOptions;
  readonly #notice: Notice;
  readonly #guard: Guard;
  readonly #preparer: Preparer;
  readonly #queue: PublishingQueue;
  /** For what is in no batch with others, and does not wait for them. */
  readonly #aloneQueue: PublishingQueue;
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
    this.#guard = parts.guard ?? UNGUARDED;
    this.#notice = (type, message) => parts.observe({ type, message });
    const { overwriteLayers, downloads: layersAtATime, layerLimits: limits, imageLimits } = options;
    this.#preparer = new Preparer(
      { ...parts, view: this.view },
      { overwriteLayers, layersAtATime, limits, imageLimits },
    );
    const { publishSignal = parts.signal } = parts;
    const batchParts = { ...parts, name, notice: this.#notice, signal: publishSignal, guard: this.#guard };
    const batchOptions = { ...options, limits: imageLimits };
    const queueParts: QueueParts = {
      ...parts,
      prepare: async (candidate, signal) => await this.#prepare(candidate, signal),
      isStateUsable: this.#isStateUsable,
      publish: async (batch) => {
        const publish = async (): Promise<BatchReport> => await publishBatch(batch, batchParts, batchOptions);
        const report = await this.#guard.turn(batch.map(subjectOf), publish);
        this.#publications += report.publications;
        return report;
      },
    };
    this.#queue = new PublishingQueue(queueParts, options.batches);
    this.#aloneQueue = new PublishingQueue(queueParts, options.batches);
  }

  get state(): QueueState {
    const [one, other] = [this.#queue.state, this.#aloneQueue.state];
    return {
      waiting: [...one.waiting, ...other.waiting],
      preparing: [...one.preparing, ...other.preparing],
      ready: [...one.ready, ...other.ready],
      publishing: [...one.publishing, ...other.publishing],
    };
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
    for (const queue of [this.#queue, this.#aloneQueue]) queue.hold(isHeld);
  }

  close(): void {
    for (const queue of [this.#queue, this.#aloneQueue]) queue.close();
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
   * Asks the registries what `wanted` means now. Images of different
   * registries had better be looked at apart: a pass takes as long as the slowest.
   *
   * @throws Failure that is no image's own
   */
  async look(
    wanted: readonly WantedImage[],
    results: Results,
    { explain, isAlone = false }: LookOptions = {},
  ): Promise<Pass> {
    const { convertAgain, overwriteLayers, outputs } = this.#options;
    const multiarchLinks = this.#parts.backend.expandsLinks ? this.#options.multiarchLinks : 'never';
    this.#parts.observe({ type: 'images', count: wanted.length });
    const queue = isAlone ? this.#aloneQueue : this.#queue;
    const arrived = queue.expect();
    const others = {
      isStateUsable: this.#isStateUsable,
      isRepositoryUsable: async () => await isReadable(this.view),
    };
    const parts = {
      ...this.#parts,
      ...others,
      guard: this.#guard,
      view: this.view,
      preparer: this.#preparer,
    };
    try {
      const look = await lookAt(
        wanted,
        { ...parts, slots: this.#slots, results, explain },
        { forms: { outputs, multiarchLinks }, isForced: convertAgain || overwriteLayers },
      );
      return { ...look, results, arrived, isAlone };
    } catch (error) {
      arrived();
      throw error;
    }
  }

  /**
   * Publishes what a look has found, and returns when all of it has ended.
   * @throws Failure that is no image's own, which is then the result of all that are not published
   */
  async publish(
    { candidates, results, arrived, isAlone }: Pass,
    groupOf: (candidate: Candidate) => string,
  ): Promise<void> {
    for (const { part } of candidates) this.#count(part.wanted, 1);
    const queue = isAlone ? this.#aloneQueue : this.#queue;
    const published = queue.add(
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

  readonly #isStateUsable = async (): Promise<boolean> =>
    (await isUsable(this.#parts.spool.directory)) && (await isUsable(this.#parts.listings.directory));

  async #prepare(candidate: Candidate, signal: AbortSignal): Promise<ReadyImage> {
    const subjects = [subjectOf(candidate)];
    const prepare = async (): Promise<ReadyImage> => await this.#preparer.prepare(candidate.resolved, signal);
    return await this.#guard.turn(
      subjects,
      async () => await this.#guard.during('fetching', subjects, prepare),
    );
  }

  #count({ publicName }: WantedImage, change: number): void {
    const count = (this.#names.get(publicName) ?? 0) + change;
    if (count > 0) this.#names.set(publicName, count);
    else this.#names.delete(publicName);
  }
}

/** Whether anything that is published can be read. */
async function isReadable(view: RepositoryView): Promise<boolean> {
  try {
    await view.list('');
    return true;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return false;
  }
}
