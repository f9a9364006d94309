import type { ImageConfig } from './registry/config.ts';
import type { Digest } from './registry/digest.ts';
import type { Manifest } from './registry/manifest.ts';

/** An image that is resolved: what its name means in the registry now. */
export interface ResolvedImage {
  /** `<registry>/<repository>:<tag>`: its place in the repository. */
  readonly publicName: string;
  readonly manifest: Manifest;
}

/** An image that is ready to be published: its layers are listed, and those that bring new content are at hand. */
export interface ReadyImage extends ResolvedImage {
  readonly config: ImageConfig;
  /** Verified blobs of layers, as files. */
  readonly blobs: ReadonlyMap<Digest, string>;
}

/** The forms in which images are published. */
export interface Outputs {
  readonly layers: boolean;
  readonly chains: boolean;
  readonly flat: boolean;
}

export function layerDigests(image: ResolvedImage): Digest[] {
  return image.manifest.layers.map((layer) => layer.digest);
}
