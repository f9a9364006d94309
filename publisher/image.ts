import type { WantedPlatform } from '../wishlist/expand.ts';
import { LINUX_AMD64, equalPlatforms, type Platform } from '../wishlist/platform.ts';
import type { ImageReference } from '../wishlist/reference.ts';
import type { ImageConfig } from './registry/manifest/config.ts';
import type { Digest } from './registry/digest.ts';
import type { Manifest } from './registry/manifest/manifest.ts';

/** An image that is asked for. */
export interface WantedImage {
  readonly reference: ImageReference;
  /**
   * What it is to be published for. Where nobody said: for linux/amd64, as which a manifest that is no part of an index
   * counts whatever it is for, since some tags have no other.
   */
  readonly platforms: readonly WantedPlatform[] | undefined;
}

/** An image that is resolved: what its name means in the registry now, for one platform. */
export interface ResolvedImage {
  readonly platform: Platform;
  /** `<registry>/<repository>:<tag>`, below `.multiarch` for further platforms: its place in the repository. */
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

/** Whether images for `platform` have the plain public names. */
export function isPlain(platform: Platform): boolean {
  return equalPlatforms(platform, LINUX_AMD64);
}
