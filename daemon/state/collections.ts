import type { FailureNote } from './state.ts';

/** What the collections of garbage in each repository came to. Times are in ms since 1970. */
export interface Collections {
  /** Remembers one that came to its end, in place of the one before. */
  record(repository: string, collection: CollectionRecord): Promise<void>;
  /** Remembers why one could not be made: what is known of the one before stays. */
  fail(repository: string, failure: FailureNote, nowMs: number): Promise<void>;
  last(repository: string): Promise<LastCollection | undefined>;
}

export interface CollectionRecord {
  readonly finishedMs: number;
  /** Trees, and parts of podman's stores. */
  readonly swept: number;
  /** Of them: nothing refers to them, and their grace period is not over. */
  readonly waiting: number;
  /** When the first of these goes. */
  readonly nextDueMs: number | undefined;
  /** What keeps anything from being swept: `PATH: WHY`. */
  readonly blocked: readonly string[];
  /** Why the server did not free the storage. */
  readonly failure: FailureNote | undefined;
}

export interface LastCollection extends Omit<CollectionRecord, 'finishedMs'> {
  /** `undefined`: none came to its end. */
  readonly finishedMs: number | undefined;
  /** When {@link failure} was met. */
  readonly failedMs: number | undefined;
}
