import { setMaxListeners } from 'node:events';
import { isFailure, type Failure } from '../../core/failure.ts';
import { blamed, type Others } from './blame.ts';
import { groupBy } from '../../core/group-by.ts';
import type { Candidate } from './candidates.ts';
import { failedResult, type ImageResult, type Observer } from '../image/events.ts';
import { documentBytes, layerDigests, type ReadyImage } from '../image/image.ts';
import { interruption } from '../../core/interruption.ts';
import { ownFailure } from '../image/own-failure.ts';
import type { ReadyCandidate } from './publication.ts';
import type { BatchReport } from './publish-batch.ts';
import { labelOf } from '../image/results.ts';
import type { GiveBack, SpoolBudget } from '../spool/budget.ts';
import type { Hold, Spool } from '../spool/spool.ts';
import { decideBatch, type BatchRule } from './batch-rule.ts';
import { Room, type RoomySpool } from './room.ts';
import { Turns } from './turns.ts';

/** What a queue works with. */
export interface QueueParts extends Pick<Others, 'isStateUsable'> {
  readonly spool: RoomySpool & Pick<Spool, 'hold'>;
  readonly budget: SpoolBudget;
  /** Fetches and checks all that the publication of an image needs. */
  readonly prepare: (candidate: Candidate, signal: AbortSignal) => Promise<ReadyImage>;
  readonly publish: (batch: readonly ReadyCandidate[]) => Promise<BatchReport>;
  readonly observe: Observer;
  /** When aborted nothing more is fetched, and what runs ends. */
  readonly signal: AbortSignal;
}

/** Told how a candidate ended. */
export type Settle = (candidate: Candidate, result: ImageResult) => void;

/** What a queue does now. */
export interface QueueState {
  readonly waiting: readonly Candidate[];
  readonly preparing: readonly Candidate[];
  readonly ready: readonly Candidate[];
  readonly publishing: readonly Candidate[];
}

/** One candidate in the queue. */
interface Ticket {
  readonly candidate: Candidate;
  readonly settle: Settle;
  readonly end: (error?: unknown) => void;
}

/** One that is prepared. */
interface ReadyTicket extends ReadyCandidate {
  readonly ticket: Ticket;
  readonly readySinceMs: number;
  readonly giveBack: (isDone: boolean) => Promise<void>;
}

/** Of one registry: where it is slow the others have some too. */
const IMAGES_OF_ONE = 8;
const IMAGES_AT_A_TIME = 12;
/** Of the documents of images that are ready, from which on no more are made ready: they wait in memory. */
const MOST_DOCUMENT_BYTES = 32 * 1024 * 1024;

/**
 * The images that are on their way into one repository. They are fetched while others are published, as far as the
 * budget goes; what is ready goes in batches, one after the other. An image that fails leaves the others alone; what
 * nothing can be published with ends all that are in the queue, which can then be used anew.
 */
export class PublishingQueue {
  readonly #parts: QueueParts;
  readonly #rule: BatchRule;
  readonly #room: Room;
  readonly #waiting = new Turns<Ticket>();
  readonly #preparing = new Set<Ticket>();
  #ready: ReadyTicket[] = [];
  #publishing: readonly ReadyTicket[] = [];
  #isHeld = false;
  /** How many still find out what is to be added. */
  #expected = 0;
  /** Why all ends, until nothing is under way any more. */
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

  /** To be called when nothing more is added. */
  close(): void {
    clearTimeout(this.#timer);
    this.#leave();
  }

  get state(): QueueState {
    return {
      waiting: this.#waiting.all().map(({ candidate }) => candidate),
      preparing: [...this.#preparing].map(({ candidate }) => candidate),
      ready: this.#ready.map(({ ticket }) => ticket.candidate),
      publishing: this.#publishing.map(({ ticket }) => ticket.candidate),
    };
  }

  /** Publishes nothing more until it is called with `false`; what is published now goes on. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#advance();
  }

  /** To be called when more is about to be added; what it answers, when it has been, or is not. */
  expect(): () => void {
    this.#expected++;
    let isExpected = true;
    return () => {
      if (!isExpected) return;
      isExpected = false;
      this.#expected--;
      this.#advance();
    };
  }

  /**
   * Publishes `candidates`. Those of different groups take turns. Returns when all of them have ended.
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
          const ticket = { candidate, settle, end };
          const refusal = this.#room.refusal(candidate);
          if (refusal === undefined) this.#waiting.add(groupOf(candidate), ticket);
          else this.#fail(ticket, refusal);
        }),
    );
    this.#advance();
    const failed = (await Promise.allSettled(ends)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
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
      for (const ticket of this.#waiting.clear()) this.#fail(ticket, this.#room.full(ticket.candidate));
    if (this.#publishing.length > 0 || this.#isHeld) return;
    const isMoreComing = !isFull && this.#preparing.size + this.#expected > 0;
    const decision = decideBatch(this.#ready, { isMoreComing, nowMs: performance.now() }, this.#rule);
    if (decision.batch !== undefined) void this.#publish(decision.batch);
    else if (decision.againMs !== undefined)
      this.#timer = setTimeout(() => this.#advance(), decision.againMs);
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

  /** Those that have as many images as they may. */
  #fullRegistries(): ReadonlySet<string> {
    const preparing = groupBy(this.#preparing, ({ candidate }) => registryOf(candidate));
    return new Set(
      [...preparing].filter(([, tickets]) => tickets.length >= IMAGES_OF_ONE).map(([name]) => name),
    );
  }

  async #prepare(ticket: Ticket, giveRoomBack: GiveBack): Promise<void> {
    try {
      const ready = await this.#makeReady(ticket, giveRoomBack);
      this.#ready.push(ready);
    } catch (error) {
      this.#fail(ticket, error);
    } finally {
      this.#preparing.delete(ticket);
      this.#advance();
    }
  }

  async #makeReady(ticket: Ticket, giveRoomBack: GiveBack): Promise<ReadyTicket> {
    const { candidate } = ticket;
    const { resolved } = candidate;
    let hold: Hold | undefined;
    const giveBack = async (isDone: boolean): Promise<void> => {
      try {
        await hold?.release(isDone);
      } finally {
        giveRoomBack();
      }
    };
    try {
      hold = this.#parts.spool.hold(layerDigests(resolved));
      if (this.#room.isShort) await this.#room.make();
      // It is stopped when the parts' own signal is aborted.
      const image = await this.#parts.prepare(candidate, this.#stop.signal);
      return { ...candidate, image, ticket, giveBack, readySinceMs: performance.now() };
    } catch (error) {
      await giveBack(false);
      throw await blamed(error, this.#parts);
    }
  }

  async #publish(batch: readonly ReadyTicket[]): Promise<void> {
    this.#publishing = batch;
    this.#ready = this.#ready.filter((ticket) => !batch.includes(ticket));
    try {
      const { results, stopped } = await this.#parts.publish(batch);
      for (const one of batch) {
        const result = results.get(one);
        if (result === undefined) await this.#drop(one, stopped ?? new Error('its batch has forgotten it'));
        else await this.#finish(one, result);
      }
    } catch (error) {
      for (const one of batch) await this.#drop(one, error);
    } finally {
      this.#publishing = [];
      this.#advance();
    }
  }

  /** What is published stays so where its blobs cannot be let go; that may end all that is still to come. */
  async #finish({ ticket, giveBack }: ReadyTicket, result: ImageResult): Promise<void> {
    let problem: unknown;
    let failure: Failure | undefined;
    try {
      await giveBack(result.outcome === 'published');
    } catch (error) {
      const reason = await blamed(error, this.#parts);
      failure = this.#ownFailure(ticket, reason);
      if (failure === undefined) {
        this.#stopFor(reason);
        problem = reason;
      }
    }
    ticket.settle(ticket.candidate, failure === undefined ? result : failedResult(failure));
    ticket.end(problem);
  }

  /** One that was not published. */
  async #drop({ ticket, giveBack }: ReadyTicket, reason: unknown): Promise<void> {
    try {
      await giveBack(false);
    } catch (error) {
      this.#fail(ticket, await blamed(error, this.#parts));
      return;
    }
    this.#fail(ticket, reason);
  }

  /** The error is the image's own, unless it is one that ends everything, or everything ends already. */
  #fail(ticket: Ticket, reason: unknown): void {
    const failure = this.#stop.signal.aborted ? undefined : this.#ownFailure(ticket, reason);
    if (failure !== undefined) {
      ticket.settle(ticket.candidate, failedResult(failure));
      ticket.end();
      return;
    }
    this.#stopFor(reason);
    this.#endFor(ticket, this.#stopped?.error ?? reason);
  }

  #ownFailure({ candidate }: Ticket, error: unknown): Failure | undefined {
    return ownFailure(error, labelOf(candidate.part), this.#parts.observe);
  }

  #stopFor(error: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { error };
    this.#stop.abort(error);
  }

  /** Once nothing is under way, what has not begun ends for the same reason. */
  #endIfQuiet(error: unknown): void {
    if (this.#preparing.size > 0 || this.#publishing.length > 0) return;
    const ready = this.#ready;
    this.#ready = [];
    this.#stopped = undefined;
    this.#stop = new AbortController();
    setMaxListeners(0, this.#stop.signal);
    for (const ticket of this.#waiting.clear()) this.#endFor(ticket, error);
    for (const one of ready) void this.#endReady(one, error);
  }

  async #endReady({ ticket, giveBack }: ReadyTicket, error: unknown): Promise<void> {
    // What cannot be let go is removed when the spool is opened again.
    await giveBack(false).catch(() => undefined);
    this.#endFor(ticket, error);
  }

  #endFor(ticket: Ticket, error: unknown): void {
    if (isFailure(error)) ticket.settle(ticket.candidate, failedResult(error));
    ticket.end(error);
  }
}

function registryOf({ resolved }: Candidate): string {
  return resolved.reference.registry;
}
