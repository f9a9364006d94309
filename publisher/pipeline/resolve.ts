import type { WantedPlatform } from '../../wishlist/meaning/wished-image.ts';
import { formatPlatform, LINUX_AMD64, type Platform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { type ResolvedImage, type WantedImage } from '../image/image.ts';
import { outputsFor, type Outputs } from '../../core/outputs.ts';
import { platformName } from '../image/layout.ts';
import type { MultiarchLinks } from '../image/public-links.ts';
import type { RegistryClient } from '../registry/client.ts';
import { outlineOf, type Manifest } from '../../core/oci/manifest.ts';
import { platformMissing } from '../registry/manifest/manifests.ts';

/** What a wanted image means in its registry now. */
export interface Resolution {
  /** One for each platform that it is there for, in their order. */
  readonly images: readonly ResolvedImage[];
  /** Platforms that it lacks. */
  readonly missing: readonly WantedPlatform[];
  /** What it is there for, where it lacks something. */
  readonly available: readonly string[];
}

/** In which forms images are published. */
export interface Forms {
  /** What is made, unless an image is wanted in fewer forms. */
  readonly outputs: Outputs;
  readonly multiarchLinks: MultiarchLinks;
}

/**
 * Asks the registry. An image that lacks some of its platforms is there for the others; one that lacks all of them,
 * none of which is required, fails.
 *
 * @throws Failure of the registry client; `platform-missing`
 */
export async function resolveImage(
  client: RegistryClient,
  wanted: WantedImage,
  forms: Forms,
): Promise<Resolution> {
  const outputs = outputsFor(wanted.outputs, forms.outputs);
  const hasVariantLink = outputs.has('flat') && isMultiarch(wanted, forms.multiarchLinks);
  const imageOf = (platform: Platform, manifest: Manifest): ResolvedImage => ({
    reference: wanted.reference,
    platform,
    publicName: platformName(platform, wanted.publicName),
    manifest: outlineOf(manifest),
    outputs,
    hasVariantLink,
  });
  const { reference, platforms } = wanted;
  if (platforms === undefined) {
    const manifest = await client.fetchManifest(reference, LINUX_AMD64);
    return { images: [imageOf(LINUX_AMD64, manifest)], missing: [], available: [] };
  }
  const named = platforms.map(({ platform }) => platform);
  const { manifests, available } = await client.fetchManifests(reference, named);
  const images = manifests.flatMap((manifest, index) => {
    const platform = named[index];
    return manifest === undefined || platform === undefined ? [] : [imageOf(platform, manifest)];
  });
  const missing = platforms.filter((_, index) => manifests[index] === undefined);
  const isNoted = missing.some(({ isRequired }) => isRequired);
  if (images.length === 0 && !isNoted) throw platformMissing(reference, named, available);
  return { images, missing, available };
}

function isMultiarch({ platforms }: WantedImage, links: MultiarchLinks): boolean {
  switch (links) {
    case 'auto':
      return platforms !== undefined && platforms.length > 1;
    case 'always':
      return true;
    case 'never':
      return false;
  }
}

/** For images whose users did not ask for the platform themselves. */
export function missingNote({ reference }: WantedImage, platform: Platform): string {
  return `${formatReference(reference)} is not there for ${formatPlatform(platform)}`;
}
