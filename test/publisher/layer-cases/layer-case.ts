import type { LayerEntry } from '../../support/images/layer-entry.ts';

/** An image as the archives of its layers, and what its root file system must be. */
export interface LayerCase {
  readonly what: string;
  /** Lowest first. */
  readonly layers: readonly (readonly LayerEntry[])[];
  /** How archives become blobs; none: gzip. */
  readonly compress?: (archive: Buffer) => Buffer;
  /** As `imageLines` gives them, sorted. */
  readonly expected: readonly string[];
  /** Where GNU tar or umoci give another tree, and why that is no matter. */
  readonly differs?: { readonly tar?: string; readonly umoci?: string };
}
