import type { FailureCode } from '../../../core/failure.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';

/** An image of somebody who wants to reach something outside of it. */
export interface HostileCase {
  readonly what: string;
  /** Lowest first. */
  readonly layers: readonly (readonly LayerEntry[])[];
  /** The code of its failure; otherwise it is published, and harmless. */
  readonly code?: FailureCode;
  /** Lines of its flat tree, as `linesOfTree` gives them. */
  readonly has?: readonly string[];
  /** Paths that are not in it. */
  readonly lacks?: readonly string[];
  /** What its users are told. */
  readonly warning?: RegExp;
}

/**
 * What the cases aim at: `path` is an absolute path on the host, with `file`, `folder/inner` and the directory `empty`;
 * `inImage` is the same path as an image would have it.
 */
export interface Target {
  readonly path: string;
  readonly inImage: string;
}

export type HostileCases = (target: Target) => readonly HostileCase[];
