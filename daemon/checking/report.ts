import type { Finding } from '../../wishlist/check/finding.ts';
import type { MeasuredImage, Sum } from '../../wishlist/check/sizes.ts';

/** All that a check found out. */
export interface CheckReport {
  readonly recipes: readonly CheckedRecipe[];
  /** In the order of the recipes and their lines. */
  readonly findings: readonly Finding[];
  /** New or changed wishes, in the same order. */
  readonly wishes: readonly CheckedWish[];
  /** All of their images together. */
  readonly sum: Sum;
  /** What the recipes were compared with, as given. */
  readonly base: string | undefined;
  /** Whether no registry was asked. */
  readonly isOffline: boolean;
}

export interface CheckedRecipe {
  /** As given. */
  readonly file: string;
  /** Its lines, without their ends; none where it could not be read. */
  readonly lines: readonly string[];
  /** How many wishes it has; `undefined` where it is no recipe. */
  readonly wishes: number | undefined;
}

/** A wish that is new or changed, with what the registries said. */
export interface CheckedWish {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** Tags that a pattern matches today, in the order of versions; `undefined` where it is none, or was not asked for. */
  readonly tags: readonly string[] | undefined;
  /** Those that were looked at: of a pattern with many, the highest versions. */
  readonly images: readonly MeasuredImage[];
  readonly sum: Sum;
}
