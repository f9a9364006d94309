import type { ImageReference } from '../../../core/oci/reference.ts';
import type { Digest } from '../../../core/oci/digest.ts';

/** A server's name for what it has at an address, and at no other (RFC 9110, section 8.8.3). */
export interface EntityTag {
  /** As the field `ETag` has it. */
  readonly value: string;
  readonly url: string;
}

/** What a reference meant when it was last asked for. */
export interface Remembered {
  /** Of the manifest or index that the registry gave for it. */
  readonly digest: Digest;
  readonly etag: EntityTag | undefined;
  /** That document, and all that were read on the way from it to the images: manifests and configs, by digest. */
  readonly documents: ReadonlyMap<Digest, Buffer>;
}

/**
 * Keeps what references meant, so that a poll that finds the same again reads nothing. It may forget anything. What it
 * keeps is content: it does not matter whose platforms or policies it was read for.
 */
export interface ManifestMemory {
  /** Each document has the digest that it is kept under. */
  readonly recall: (reference: ImageReference) => Promise<Remembered | undefined>;
  readonly remember: (reference: ImageReference, remembered: Remembered) => Promise<void>;
}

export const NO_MEMORY: ManifestMemory = {
  recall: async () => await Promise.resolve(undefined),
  remember: async () => await Promise.resolve(),
};
