import { asFailure, type Failure } from '../../core/failure.ts';
import { failedResult, type ImageResult } from '../image/events.ts';
import type { ReadyImage, WantedImage } from '../image/image.ts';
import { ownFailure } from '../image/own-failure.ts';
import { labelOf, type PlatformResult, type Results } from '../image/results.ts';
import type { RepositoryView } from '../publication/view.ts';
import { isStateUsable, publishingContext, type PublishingContext, type PublishingSetup } from './context.ts';
import { Preparer } from './preparer.ts';
import { freeStorage, publishFree, type FreePublication, type ReadyCandidate } from './publication.ts';
import { publishBatch, type BatchReport } from './publish-batch.ts';
import { PublishingQueue, type QueueParts, type QueueState, type Settle } from './queue.ts';
import {
  guardedImage,
  resolveAll,
  resolvedCandidates,
  resolvingSlots,
  type Candidate,
  type Explain,
  type Repair,
  type Resolution,
  type ResolvingParts,
} from './resolve.ts';

export interface PublishingReport {
  /** In the order of the images; more than one for an image that is published for several platforms. */
  readonly images: readonly PlatformResult[];
  readonly publications: number;
  /** Ended it before all images were done. */
  readonly stopped: Failure | undefined;
}

/** A resolution whose candidates are to be published next. */
export interface PendingResolution extends Resolution {
  readonly results: Results;
  readonly isAlone: boolean;
}

export interface ResolveOptions extends Pick<ResolvingParts, 'onCandidates'> {
  readonly explain?: Explain | undefined;
  /** Publishes the images in no batch with others, and without waiting for them. */
  readonly isAlone?: boolean;
}

export interface PublishResolvedOptions extends Pick<ResolveOptions, 'explain'> {
  readonly results: Results;
  /** Called with what is about to be published, before any of it ends. */
  readonly onCandidates: (candidates: readonly Candidate[]) => void;
  /** Groups take turns. */
  readonly groupOf: (candidate: Candidate) => string;
}

/** Publishes in one repository: images, also while it still publishes others, and what comes from no image. */
export class RepositoryPublisher {
  readonly name: string;
  readonly view: RepositoryView;
  readonly #context: PublishingContext;
  readonly #preparer: Preparer;
  readonly #queue: PublishingQueue;
  /** For what is in no batch with others, and does not wait for them. */
  readonly #aloneQueue: PublishingQueue;
  readonly #slots = resolvingSlots();
  /** Counts the passes and platforms that are on their way, by public name. */
  readonly #names = new Map<string, number>();
  #publications = 0;

  /** @throws Failure `repository-unusable` where this machine has no such repository */
  constructor(setup: PublishingSetup) {
    const context = publishingContext(setup);
    this.name = context.repository;
    this.view = context.view;
    this.#context = context;
    this.#preparer = new Preparer(context);
    const parts: QueueParts = {
      ...context,
      prepare: async (candidate, signal) => await this.#prepare(candidate, signal),
      publish: async (batch) => await this.#publishBatch(batch),
      isStateUsable: async () => await isStateUsable(context),
    };
    this.#queue = new PublishingQueue(parts, context.options.batches);
    this.#aloneQueue = new PublishingQueue(parts, context.options.batches);
  }

  get state(): QueueState {
    const [one, other] = [this.#queue.state, this.#aloneQueue.state];
    return {
      waiting: [...one.waiting, ...other.waiting],
      preparing: [...one.preparing, ...other.preparing],
      ready: [...one.ready, ...other.ready],
      publishing: [...one.publishing, ...other.publishing],
      publication: one.publication,
    };
  }

  get publications(): number {
    return this.#publications;
  }

  /** Everything that it works with. */
  get context(): PublishingContext {
    return this.#context;
  }

  /** The repository's root as clients see it: absolute. */
  get clientRoot(): string {
    return this.#context.options.clientRoot;
  }

  /** Marks images as on their way. @returns ends that */
  claim(images: readonly WantedImage[]): () => void {
    for (const image of images) this.#count(image, 1);
    return () => {
      for (const image of images) this.#count(image, -1);
    };
  }

  /** True while `image` is on its way from an earlier pass. */
  isPublishing({ publicName }: WantedImage): boolean {
    return this.#names.has(publicName);
  }

  /** Stops or resumes publishing; a running publication continues. */
  pause(isPaused: boolean): void {
    for (const queue of [this.#queue, this.#aloneQueue]) queue.pause(isPaused);
  }

  close(): void {
    for (const queue of [this.#queue, this.#aloneQueue]) queue.close();
  }

  /**
   * Clears up after a crash of an earlier run.
   *
   * @throws Failure `repository-unusable`
   */
  async recover(): Promise<void> {
    await this.#context.backend.recover(this.name, this.#context.notice);
  }

  /**
   * Asks the registries what `wanted` means now. Resolve images of different registries apart: a call takes as long as
   * the slowest of them.
   *
   * @throws Failure that is no image's own
   */
  async resolve(
    wanted: readonly WantedImage[],
    results: Results,
    { explain, isAlone = false, onCandidates }: ResolveOptions = {},
  ): Promise<PendingResolution> {
    this.#context.observe({ type: 'images', count: wanted.length });
    const parts = { preparer: this.#preparer, slots: this.#slots, results, explain, onCandidates };
    const resolving = async () => await resolveAll(wanted, this.#context, parts);
    return { ...(await this.#queueFor(isAlone).expecting(resolving)), results, isAlone };
  }

  /**
   * The same, and publishes each image as soon as it is resolved: neither its download nor its publication waits for what the
   * registry says of others.
   *
   * @param onResolved called when all are resolved
   * @throws Failure that is no image's own; of `onResolved`. Nothing is under way then
   */
  async publishResolved(
    wanted: readonly WantedImage[],
    { results, groupOf, explain, onCandidates: onFound }: PublishResolvedOptions,
    onResolved: (resolution: Omit<Resolution, 'candidates'>) => Promise<void>,
  ): Promise<void> {
    const published: Promise<void>[] = [];
    const onCandidates = (candidates: readonly Candidate[]): void => {
      onFound(candidates);
      const work = this.publishImages({ candidates, results, isAlone: false }, groupOf);
      // It is waited for below, and may fail before.
      work.catch(() => undefined);
      published.push(work);
    };
    try {
      const { resolved, passedOver } = await this.resolve(wanted, results, { explain, onCandidates });
      await onResolved({ resolved, passedOver });
    } finally {
      await Promise.allSettled(published);
    }
    await Promise.all(published);
  }

  /**
   * Takes images that are known without a registry, such as by their published manifests: they are published again, with every
   * tree that has no record.
   *
   * @throws Failure that is no image's own
   */
  async takeResolved(
    images: readonly Omit<Candidate, 'missing'>[],
    results: Results,
  ): Promise<PendingResolution> {
    const parts = { preparer: this.#preparer, results };
    const candidates = await resolvedCandidates(images, this.#context, parts);
    return { candidates, resolved: new Map(), passedOver: new Map(), results, isAlone: false };
  }

  /**
   * Publishes the candidates of a resolution, and returns when all of them have ended. One of which a layer was removed
   * from the repository while it was on its way is prepared again, once.
   *
   * @throws Failure that is no image's own, which is then the result of all that are not published
   */
  async publishImages(
    { candidates, results, isAlone }: Pick<PendingResolution, 'candidates' | 'results' | 'isAlone'>,
    groupOf: (candidate: Candidate) => string,
  ): Promise<void> {
    for (const { part } of candidates) this.#count(part.wanted, 1);
    const finish: Settle = ({ part, resolved }, result) => {
      this.#count(part.wanted, -1);
      results.finish(part, result, resolved);
    };
    const queue = this.#queueFor(isAlone);
    const again: Promise<void>[] = [];
    const settle: Settle = (candidate, result) => {
      if (!hasVanished(result)) return finish(candidate, result);
      const published = this.#again(candidate, queue, finish);
      // It is waited for below, and may fail before.
      published.catch(() => undefined);
      again.push(published);
    };
    const [ended] = await Promise.allSettled([queue.add(candidates, settle, groupOf)]);
    const all = [ended, ...(await Promise.allSettled(again))];
    for (const one of all) if (one.status === 'rejected') throw one.reason;
  }

  /**
   * Publishes again what is broken of images that are published: in the queue with all others. No registry is asked what
   * their names mean now.
   *
   * @throws Failure that is no image's own
   */
  async repair(
    images: readonly (Omit<Candidate, 'missing'> & { readonly repair: Repair })[],
    results: Results,
  ): Promise<void> {
    const candidates: Candidate[] = [];
    for (const image of images)
      candidates.push({
        ...image,
        missing: await this.#preparer.missingLayers(image.resolved, image.repair),
      });
    await this.publishImages({ candidates, results, isAlone: false }, ({ part }) => labelOf(part));
  }

  /**
   * Publishes what comes from no candidate, such as a removal, a collection or a repair: in the queue with the images,
   * under the same locks, with the same events, and paused with them.
   *
   * @param title names it in the status, in logs, and where it fails for a mistake: `removal of quay.io/lab/tool:1`
   * @throws Failure: nothing has changed then. `image-unpublishable` where the repository refuses this publication alone
   */
  async publish(publication: FreePublication, title: string): Promise<void> {
    await this.#queue.addPublication(title, async () => {
      const publish = async (): Promise<boolean> => await publishFree(publication, title, this.#context);
      if (await this.#context.guard.turn([], publish)) this.#publications++;
    });
  }

  /**
   * Lets the server free the storage of what was taken away: in the queue, like {@link publish}.
   *
   * @returns false where the repository does not allow it
   * @throws Failure: what is published is as before; `gc-failed` where all else can be done
   */
  async freeStorage(title: string): Promise<boolean> {
    let isDone = false;
    await this.#queue.addPublication(title, async () => {
      isDone = await freeStorage(this.#context);
    });
    return isDone;
  }

  /** Publishes a candidate that lost a layer on its way: it is as good as new. */
  async #again(candidate: Candidate, queue: PublishingQueue, finish: Settle): Promise<void> {
    const { observe } = this.#context;
    const label = labelOf(candidate.part);
    observe({ type: 'note', message: `${label} is prepared again: a layer was removed meanwhile` });
    let missing: Candidate['missing'];
    try {
      missing = await this.#preparer.missingLayers(candidate.resolved, candidate.repair);
    } catch (error) {
      const failure = ownFailure(error, label, observe);
      finish(candidate, failedResult(failure ?? asFailure(error)));
      if (failure === undefined) throw error;
      return;
    }
    await queue.add([{ ...candidate, missing }], finish, () => label);
  }

  #queueFor(isAlone: boolean): PublishingQueue {
    return isAlone ? this.#aloneQueue : this.#queue;
  }

  async #prepare(candidate: Candidate, signal: AbortSignal): Promise<ReadyImage> {
    const { guard } = this.#context;
    const images = [guardedImage(candidate)];
    const prepare = async (): Promise<ReadyImage> =>
      await this.#preparer.prepare(candidate.resolved, signal, candidate.repair);
    return await guard.turn(images, async () => await guard.during('fetching', images, prepare));
  }

  async #publishBatch(batch: readonly ReadyCandidate[]): Promise<BatchReport> {
    const publish = async (): Promise<BatchReport> => await publishBatch(batch, this.#context);
    const report = await this.#context.guard.turn(batch.map(guardedImage), publish);
    this.#publications += report.publications;
    if (report.publications > 0) this.#preparer.renew();
    return report;
  }

  #count({ publicName }: WantedImage, change: number): void {
    const count = (this.#names.get(publicName) ?? 0) + change;
    if (count > 0) this.#names.set(publicName, count);
    else this.#names.delete(publicName);
  }
}

function hasVanished(result: ImageResult): boolean {
  return result.outcome === 'failed' && result.code === 'layer-vanished';
}
