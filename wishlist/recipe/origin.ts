/** The commit that a wishlist was read from. */
export interface Commit {
  /** The whole hash in hexadecimal digits. */
  readonly hash: string;
  /** The author's name, as written there: any text. */
  readonly author: string;
  /** When it was committed: ISO 8601, with the committer's offset from UTC. */
  readonly date: string;
}

/** Where a wish comes from. */
export interface WishOrigin {
  /** The name of its source. */
  readonly source: string;
  /** The recipe, as messages name it. */
  readonly file: string;
  /** `undefined` where the source has no commits. */
  readonly commit: Commit | undefined;
}
