import { Slots } from '../../core/concurrency.ts';
import { Failure } from '../../core/failure.ts';
import { tagListKey, type ListTags } from '../../wishlist/meaning/tag-lists.ts';
import type { TagList, ImageReference } from '../../core/oci/reference.ts';
import { soon } from './staged.ts';

export interface PatientListsOptions {
  /** Time without a list after which a round stops waiting for a registry. */
  readonly patienceMs: number;
  /** Keep lists for all later rounds instead of reading them again in each. */
  readonly isKept?: boolean;
  /** Limit on waiting for a list, whatever else its registry delivers. */
  readonly longestMs?: number;
  /** Stops further requests. */
  readonly signal: AbortSignal;
}

interface Listing {
  readonly list: Promise<TagList>;
  /** When it was first asked for, in ms of `performance.now()`. */
  readonly beganMs: number;
  /** Approximate memory use. */
  bytes: number;
  /** Rounds since it was last asked for. */
  rounds: number;
  /** Some round has used it. */
  isTaken: boolean;
}

const LISTS_OF_ONE = 4;
const LISTS_AT_A_TIME = 6;
const LONGEST_MS = 10 * 60_000;
/** Limit for lists that arrived late and wait to be used. */
const MOST_BYTES = 32 * 1024 * 1024;
const BYTES_OF_A_TAG = 100;

/**
 * Tag lists, fetched in rounds. A round waits for registries that deliver lists; requests to the others fail for
 * now, continue in the background, and serve a later round. Each list is waited for once: rounds that begin when it is
 * late go on without it.
 */
export class PatientLists {
  readonly #listTags: ListTags;
  readonly #options: PatientListsOptions;
  readonly #slots = new Slots(() => LISTS_OF_ONE, LISTS_AT_A_TIME);
  readonly #listings = new Map<string, Listing>();
  /** By registry, the time of its last list, in ms of `performance.now()`. */
  readonly #givenMs = new Map<string, number>();

  constructor(listTags: ListTags, options: PatientListsOptions) {
    this.#listTags = listTags;
    this.#options = options;
  }

  /** Resolves when one of the late lists has arrived or failed. */
  async news(): Promise<void> {
    await Promise.race(this.#late.map(async ({ list }) => await Promise.allSettled([list])));
  }

  /** Some lists have not arrived in time. */
  get isLate(): boolean {
    return this.#late.length > 0;
  }

  get #late(): readonly Listing[] {
    return [...this.#listings.values()].filter(({ isTaken }) => !isTaken);
  }

  /** Begins a round, and forgets lists that the last one did not ask for. */
  round(): ListTags {
    for (const [key, listing] of this.#listings) if (listing.rounds++ > 0) this.#listings.delete(key);
    return async (reference) => await this.#list(reference);
  }

  async #list(reference: ImageReference): Promise<TagList> {
    const key = tagListKey(reference);
    const listing = this.#listings.get(key) ?? this.#start(key, reference);
    listing.rounds = 0;
    while (!(await soon(Promise.allSettled([listing.list]), this.#leftMs(reference, listing))))
      if (this.#leftMs(reference, listing) <= 0) throw new StillRead(reference);
    listing.isTaken = true;
    if (this.#options.isKept !== true) this.#listings.delete(key);
    return await listing.list;
  }

  #leftMs({ registry }: ImageReference, { beganMs }: Listing): number {
    const { patienceMs, longestMs = LONGEST_MS } = this.#options;
    const sinceMs = Math.max(beganMs, this.#givenMs.get(registry) ?? beganMs);
    return Math.max(0, Math.min(sinceMs + patienceMs, beganMs + longestMs) - performance.now());
  }

  #start(key: string, reference: ImageReference): Listing {
    const list = this.#read(reference);
    const listing: Listing = { list, beganMs: performance.now(), bytes: 0, rounds: 0, isTaken: false };
    this.#listings.set(key, listing);
    void this.#note(key, reference.registry, listing);
    return listing;
  }

  /** Records the arrival of a list. Errors reach those that ask for it. */
  async #note(key: string, registry: string, listing: Listing): Promise<void> {
    const given = await listing.list.catch(() => undefined);
    if (given === undefined) return;
    this.#givenMs.set(registry, performance.now());
    listing.bytes = given.tags.length * BYTES_OF_A_TAG;
    const all = [...this.#listings.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    if (all > MOST_BYTES && this.#listings.get(key) === listing) this.#listings.delete(key);
  }

  async #read(reference: ImageReference): Promise<TagList> {
    const leave = await this.#slots.take(reference.registry, this.#options.signal);
    try {
      return await this.#listTags(reference);
    } finally {
      leave();
    }
  }
}

/** The list did not arrive in time; a later round may have it. */
export class StillRead extends Failure {
  constructor({ registry, repository }: ImageReference) {
    super(
      'registry-timeout',
      `the tag list of ${registry}/${repository} is still being read: nothing else waits for it`,
      { hint: 'it is used once complete; published images stay' },
    );
  }
}
