import { setMaxListeners } from 'node:events';
import { asFailure, isFailure, type Failure } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import { interruption } from '../../core/interruption.ts';
import { failedResult, type ImageResult, type Observer } from '../image/events.ts';
import { documentBytes, layerDigests, type ReadyImage } from '../image/image.ts';
import { ownFailure } from '../image/own-failure.ts';
import { labelOf } from '../image/results.ts';
import type { Release, SpoolBudget } from '../spool/budget.ts';
import type { Hold, Spool } from '../spool/spool.ts';
import { decideBatch, type BatchRule } from './batches.ts';
import { blamed } from './context.ts';
import type { ReadyCandidate } from './publication.ts';
import type { BatchReport } from './publish-batch.ts';
import type { Candidate } from './resolve.ts';
import { Room, type RoomySpool } from './room.ts';
import { RoundRobin } from './round-robin.ts';

export interface QueueParts {
  readonly spool: RoomySpool & Pick<Spool, 'hold'>;
  readonly budget: SpoolBudget;
  /** Fetches and checks all that the publication of an image needs. */
  readonly prepare: (candidate: Candidate, signal: AbortSignal) => Promise<ReadyImage>;
  readonly publish: (batch: readonly ReadyCandidate[]) => Promise<BatchReport>;
  readonly isStateUsable: () => Promise<boolean>;
  readonly observe: Observer;
  /** Aborts what is being prepared, and ends the queue. */
  readonly signal: AbortSignal;
}

export type Settle = (candidate: Candidate, result: ImageResult) => void;

export interface QueueState {
  readonly waiting: readonly Candidate[];
  readonly preparing: readonly Candidate[];
  readonly ready: readonly Candidate[];
  readonly publishing: readonly Candidate[];
  /** The title of a publication without images that runs now. */
  readonly publication: string | undefined;
}

interface QueuedImage {
  readonly candidate: Candidate;
  readonly settle: Settle;
  readonly end: (error?: unknown) => void;
}

interface PreparedImage extends ReadyCandidate {
  readonly queued: QueuedImage;
  readonly readySinceMs: number;
  readonly release: (isDone: boolean) => Promise<void>;
}

/** A publication that comes from no candidate. */
interface QueuedPublication {
  readonly title: string;
  readonly publish: () => Promise<void>;
  readonly readySinceMs: number;
  readonly end: (error?: unknown) => void;
}

/** Images prepared at a time: of one registry, and of all where one is slow. */
const IMAGES_OF_ONE = 8;
const IMAGES_AT_A_TIME = 12;
/** Documents of ready images wait in memory: beyond this no more images are prepared. */
const MOST_DOCUMENT_BYTES = 32 * 1024 * 1024;

/**
 * Brings images into one repository: fetches them while others are published, as far as the budget allows, and publishes
 * what is ready in batches, one after the other. An image that fails leaves the others alone; a failure that keeps
 * everything from being published fails all that is queued, and the queue is reusable afterwards.
 */
export class PublishingQueue {
  readonly #parts: QueueParts;
  readonly #rule: BatchRule;
  readonly #room: Room;
  readonly #waiting = new RoundRobin<QueuedImage>();
  readonly #preparing = new Set<QueuedImage>();
  #ready: PreparedImage[] = [];
  #publishing: readonly PreparedImage[] = [];
  #publications: QueuedPublication[] = [];
  /** The one that runs. */
  #publication: QueuedPublication | undefined;
  #isPaused = false;
  /** Callers that may be about to add images. */
  #expected = 0;
  /** Set while everything ends, until nothing is under way any more. */
  #stopped: { readonly error: unknown } | undefined;
  #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #leave: () => void;

  constructor(parts: QueueParts, rule: BatchRule) {
    this.#parts = parts;
    this.#rule = rule;
    this.#room = new Room(parts.spool, parts.budget);
    setMaxListeners(0, this.#stop.signal);
    const forget = parts.budget.onFree(() => this.#advance());
    const stop = (): void => {
      this.#stopFor(interruption(parts.signal));
      this.#advance();
    };
    parts.signal.addEventListener('abort', stop, { once: true });
    this.#leave = () => {
      forget();
      parts.signal.removeEventListener('abort', stop);
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#leave();
  }

  get state(): QueueState {
    return {
      waiting: this.#waiting.all().map(({ candidate }) => candidate),
      preparing: [...this.#preparing].map(({ candidate }) => candidate),
      ready: this.#ready.map(({ queued }) => queued.candidate),
      publishing: this.#publishing.map(({ queued }) => queued.candidate),
      publication: this.#publication?.title,
    };
  }

  /** Stops or resumes publishing; a running publication continues. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#advance();
  }

  /** Does `work`, which may add images: what is ready waits for them a little. */
  async expecting<T>(work: () => Promise<T>): Promise<T> {
    this.#expected++;
    try {
      return await work();
    } finally {
      this.#expected--;
      this.#advance();
    }
  }

  /**
   * Publishes `candidates`, groups taking turns, and returns when all of them have ended.
   *
   * @throws Failure that is no image's own, which is then the result of all that have not ended
   */
  async add(
    candidates: readonly Candidate[],
    settle: Settle,
    groupOf: (candidate: Candidate) => string,
  ): Promise<void> {
    if (this.#parts.signal.aborted) this.#stopFor(interruption(this.#parts.signal));
    const ends = candidates.map(
      async (candidate) =>
        await new Promise<void>((resolve, reject) => {
          const end = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
          const queued = { candidate, settle, end };
          const refusal = this.#room.refusal(candidate);
          if (refusal === undefined) this.#waiting.add(groupOf(candidate), queued);
          else this.#fail(queued, refusal);
        }),
    );
    this.#advance();
    const failed = (await Promise.allSettled(ends)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /**
   * Publishes what comes from no candidate: after the images that were ready before it.
   *
   * @param title in the status, and of a mistake
   * @throws Failure of `publish`; why everything ended, where that came first
   */
  async addPublication(title: string, publish: () => Promise<void>): Promise<void> {
    if (this.#parts.signal.aborted) this.#stopFor(interruption(this.#parts.signal));
    const ended = new Promise<void>((resolve, reject) => {
      const end = (error?: unknown): void => (error === undefined ? resolve() : reject(asFailure(error)));
      this.#publications.push({ title, publish, readySinceMs: performance.now(), end });
    });
    this.#advance();
    await ended;
  }

  /** Starts whatever can start now. Called after each change. */
  #advance(): void {
    clearTimeout(this.#timer);
    if (this.#stopped !== undefined) {
      this.#endIfQuiet(this.#stopped.error);
      return;
    }
    const isFull = this.#documentBytes > MOST_DOCUMENT_BYTES;
    const most = isFull ? 0 : IMAGES_AT_A_TIME;
    while (this.#preparing.size < most && this.#startNext());
    if (this.#room.isUntaken)
      for (const queued of this.#waiting.clear()) this.#fail(queued, this.#room.full(queued.candidate));
    if (!this.#isPublishing && !this.#isPaused) this.#publishNext(isFull);
  }

  get #isPublishing(): boolean {
    return this.#publishing.length > 0 || this.#publication !== undefined;
  }

  #publishNext(isFull: boolean): void {
    const isMoreComing = !isFull && this.#preparing.size > 0;
    const isMoreExpected = !isFull && this.#expected > 0;
    const coming = { isMoreComing, isMoreExpected, nowMs: performance.now() };
    const decision = decideBatch(this.#ready, coming, this.#rule);
    const [publication] = this.#publications;
    const batchSinceMs = decision.batch?.[0]?.readySinceMs ?? Number.POSITIVE_INFINITY;
    if (publication !== undefined && publication.readySinceMs < batchSinceMs)
      void this.#publishFree(publication);
    else if (decision.batch !== undefined) void this.#publish(decision.batch);
    else if (decision.againMs !== undefined)
      this.#timer = setTimeout(() => this.#advance(), decision.againMs);
  }

  async #publishFree(publication: QueuedPublication): Promise<void> {
    this.#publications.shift();
    this.#publication = publication;
    try {
      await publication.publish();
      publication.end();
    } catch (error) {
      if (ownFailure(error, publication.title, this.#parts.observe) === undefined) this.#stopFor(error);
      publication.end(error);
    } finally {
      this.#publication = undefined;
      this.#advance();
    }
  }

  #startNext(): boolean {
    const take = this.#room.taking();
    const full = this.#fullRegistries();
    const next = this.#waiting.take(({ candidate }) =>
      full.has(registryOf(candidate)) ? undefined : take(candidate),
    );
    if (next === undefined) return false;
    this.#preparing.add(next.item);
    void this.#prepare(next.item, next.given);
    return true;
  }

  get #documentBytes(): number {
    return this.#ready.reduce((sum, { image }) => sum + documentBytes(image), 0);
  }

  /** Registries with as many images in preparation as they may have. */
  #fullRegistries(): ReadonlySet<string> {
    const preparing = groupBy(this.#preparing, ({ candidate }) => registryOf(candidate));
    return new Set(
      [...preparing].filter(([, images]) => images.length >= IMAGES_OF_ONE).map(([name]) => name),
    );
  }

  async #prepare(queued: QueuedImage, releaseRoom: Release): Promise<void> {
    try {
      const ready = await this.#makeReady(queued, releaseRoom);
      // Only now: a batch that begins meanwhile puts another list in its place.
      this.#ready.push(ready);
    } catch (error) {
      this.#fail(queued, error);
    } finally {
      this.#preparing.delete(queued);
      this.#advance();
    }
  }

  async #makeReady(queued: QueuedImage, releaseRoom: Release): Promise<PreparedImage> {
    const { candidate } = queued;
    const { resolved } = candidate;
    let hold: Hold | undefined;
    const release = async (isDone: boolean): Promise<void> => {
      try {
        await hold?.release(isDone);
      } finally {
        releaseRoom();
      }
    };
    try {
      hold = this.#parts.spool.hold(layerDigests(resolved));
      if (this.#room.isShort) await this.#room.make();
      // It is stopped when the parts' own signal is aborted.
      const image = await this.#parts.prepare(candidate, this.#stop.signal);
      return { ...candidate, image, queued, release, readySinceMs: performance.now() };
    } catch (error) {
      await release(false);
      throw await blamed(error, this.#parts.isStateUsable);
    }
  }

  async #publish(batch: readonly PreparedImage[]): Promise<void> {
    this.#publishing = batch;
    this.#ready = this.#ready.filter((queued) => !batch.includes(queued));
    try {
      const { results, stopped } = await this.#parts.publish(batch);
      for (const one of batch) {
        const result = results.get(one);
        if (result === undefined)
          await this.#drop(one, stopped ?? new Error('its batch has no result for it'));
        else await this.#finish(one, result);
      }
    } catch (error) {
      for (const one of batch) await this.#drop(one, error);
    } finally {
      this.#publishing = [];
      this.#advance();
    }
  }

  /** Keeps an image published where its blobs cannot be released; that may end everything still queued. */
  async #finish({ queued, release }: PreparedImage, result: ImageResult): Promise<void> {
    let problem: unknown;
    let failure: Failure | undefined;
    try {
      await release(result.outcome === 'published');
    } catch (error) {
      const reason = await blamed(error, this.#parts.isStateUsable);
      failure = this.#ownFailure(queued, reason);
      if (failure === undefined) {
        this.#stopFor(reason);
        problem = reason;
      }
    }
    queued.settle(queued.candidate, failure === undefined ? result : failedResult(failure));
    queued.end(problem);
  }

  async #drop({ queued, release }: PreparedImage, reason: unknown): Promise<void> {
    try {
      await release(false);
    } catch (error) {
      this.#fail(queued, await blamed(error, this.#parts.isStateUsable));
      return;
    }
    this.#fail(queued, reason);
  }

  /** The error is the image's own, unless it is one that ends everything, or everything ends already. */
  #fail(queued: QueuedImage, reason: unknown): void {
    const failure = this.#stop.signal.aborted ? undefined : this.#ownFailure(queued, reason);
    if (failure !== undefined) {
      queued.settle(queued.candidate, failedResult(failure));
      queued.end();
      return;
    }
    this.#stopFor(reason);
    this.#endFor(queued, this.#stopped?.error ?? reason);
  }

  #ownFailure({ candidate }: QueuedImage, error: unknown): Failure | undefined {
    return ownFailure(error, labelOf(candidate.part), this.#parts.observe);
  }

  #stopFor(error: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { error };
    this.#stop.abort(error);
  }

  /** Once nothing is under way, what has not begun ends for the same reason. */
  #endIfQuiet(error: unknown): void {
    if (this.#preparing.size > 0 || this.#isPublishing) return;
    const [ready, publications] = [this.#ready, this.#publications];
    this.#ready = [];
    this.#publications = [];
    this.#stopped = undefined;
    this.#stop = new AbortController();
    setMaxListeners(0, this.#stop.signal);
    for (const queued of this.#waiting.clear()) this.#endFor(queued, error);
    for (const one of ready) void this.#endReady(one, error);
    for (const { end } of publications) end(error);
  }

  async #endReady({ queued, release }: PreparedImage, error: unknown): Promise<void> {
    // What cannot be let go is removed when the spool is opened again.
    await release(false).catch(() => undefined);
    this.#endFor(queued, error);
  }

  #endFor(queued: QueuedImage, error: unknown): void {
    if (isFailure(error)) queued.settle(queued.candidate, failedResult(error));
    queued.end(error);
  }
}

function registryOf({ resolved }: Candidate): string {
  return resolved.reference.registry;
}
