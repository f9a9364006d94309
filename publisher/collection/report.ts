/** How to collect. */
export interface CollectionOptions {
  /** How long a tree stays after it was first found that nothing refers to it. */
  readonly graceMs: number;
  /** The time, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Changes nothing: the report says what would change. */
  readonly isDryRun: boolean;
  /** Somebody knows that the clock is right, however long ago the last collection was. */
  readonly isClockConfirmed?: boolean;
  /** Since when somebody has looked at the clock so often that what it shows can be believed. */
  readonly clockSinceMs?: number | undefined;
  /** The most trees and other parts that one publication takes away. */
  readonly mostTrees?: number;
  /** Stops it between two publications, with what is done reported so far. */
  readonly signal?: AbortSignal;
  /** Called after each publication with how much has gone so far, and will in all. */
  readonly onProgress?: (swept: number, all: number) => void;
}

/** A part of a repository to which nothing refers. */
export interface Unreferenced {
  /** `layers/<hex>`, `flat/<hex>`, `podman:podmanStore/images/<id>`: as the marks name it. */
  readonly name: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** When it goes at the earliest, if nothing refers to it until then. */
  readonly due: number;
}

/** What was found and done. Paths are for people to read; each list is whole. */
export interface CollectionReport {
  /** Found to be referred to by nothing, for the first time. */
  readonly marked: readonly string[];
  /** Referred to again. */
  readonly unmarked: readonly string[];
  /** Gone, in a dry run what would go. */
  readonly swept: readonly string[];
  /** Marked, and not due or held back. */
  readonly waiting: readonly Unreferenced[];
  /** What nothing refers to and is not unpackd's to remove: its path, and why. */
  readonly notOurs: readonly Finding[];
  /** Why nothing is swept at all, or nothing of a part of the repository. */
  readonly blocked: readonly Finding[];
  readonly publications: number;
}

/** Something at a path that people should know of. */
export interface Finding {
  readonly path: string;
  readonly why: string;
}
