import type { FilePack } from '../layer/file-pack.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import { LINUX_AMD64, equalPlatforms, type Platform } from '../../core/oci/platform.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Outputs } from '../../core/outputs.ts';
import type { ImageConfig } from '../../core/oci/config.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Manifest, ManifestOutline } from '../../core/oci/manifest.ts';

/** A wished image, as far as publishing depends on it: recipes, repositories and terms are of no concern here. */
export interface WantedImage extends Pick<
  WishedImage,
  'reference' | 'publicName' | 'platforms' | 'outputs' | 'keptDigests' | 'isNamed'
> {
  /** Somebody asks for it by hand: no plan takes it back then. */
  readonly isByHand?: boolean;
  /** The manifest that is meant, in place of what the tag leads to now. */
  readonly pinned?: Digest;
  /** Whether the plain name is to lead each client to its own architecture, however that is configured now. */
  readonly hasVariantLink?: boolean;
}

/** An image that is resolved: what its name means in the registry now, for one platform. */
export interface ResolvedImage {
  readonly reference: ImageReference;
  readonly platform: Platform;
  /** The wanted image's own, below `.multiarch` for further platforms. */
  readonly publicName: string;
  /** Usually without its documents: many images are resolved at the same time. */
  readonly manifest: ManifestOutline;
  /** Outputs to publish it in. */
  readonly outputs: Outputs;
  /** The plain name leads each client to the image for its own architecture. */
  readonly hasVariantLink: boolean;
  /** Published by hand, so that nobody takes it back but by hand. */
  readonly isByHand?: boolean;
  /** What its name leads to now stays reachable by its digest: somebody wants so many of those. */
  readonly keptDigests?: number;
}

/** An image as its metadata in a repository tell of it: without the reference that it was asked for by. */
export type NamedImage = Omit<ResolvedImage, 'reference'>;

/** An image that is ready to be published: its layers are listed, and those that bring new content are at hand. */
export interface ReadyImage extends ResolvedImage {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** Verified blobs of layers, as files. */
  readonly blobs: ReadonlyMap<Digest, string>;
  /** Of layers whose files were written aside while they were listed, as far as they are new. */
  readonly packs?: ReadonlyMap<Digest, FilePack>;
}

export function layerDigests(image: Pick<ResolvedImage, 'manifest'>): Digest[] {
  return image.manifest.layers.map((layer) => layer.digest);
}

/** Memory that the documents of an image take. */
export function documentBytes({ manifest, config }: ReadyImage): number {
  return manifest.bytes.length + (manifest.index?.bytes.length ?? 0) + config.bytes.length;
}

/** Reports whether images for `platform` have the plain public names. */
export function isPlain(platform: Platform): boolean {
  return equalPlatforms(platform, LINUX_AMD64);
}
