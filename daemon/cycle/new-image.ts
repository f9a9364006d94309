import { findPublished, type FoundImage } from '../../publisher/published/find-published.ts';
import type { ResolvedImage } from '../../publisher/image/image.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import type { PlatformImage } from '../../publisher/image/results.ts';
import { isFailure } from '../../core/failure.ts';
import { formatPlatform, parsePlatform, type Platform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { RecordedImage } from '../state/state.ts';

/** What to remember of an image that is published, for one platform. */
export function newImage(
  { wanted }: PlatformImage,
  { platform, manifest, reference }: ResolvedImage,
  publishedMs: number | undefined,
): RecordedImage {
  return {
    publicName: wanted.publicName,
    platform: formatPlatform(platform),
    image: formatReference(reference),
    config: manifest.config.digest,
    layers: layersOf(manifest.layers),
    publishedMs,
  };
}

/** What to remember of everything that is published in a repository. */
export async function imagesIn(view: RepositoryView): Promise<RecordedImage[]> {
  return (await findPublished(view)).flatMap((image) => newImageOf(image) ?? []);
}

/** The same of one that was found in a repository; `undefined` where its folder is none of a platform. */
export function newImageOf({ publicName, platform, config, layers }: FoundImage): RecordedImage | undefined {
  const name = platformText(platform);
  if (name === undefined) return undefined;
  return {
    publicName,
    platform: name,
    image: undefined,
    config,
    layers: layersOf(layers),
    publishedMs: undefined,
  };
}

function layersOf(layers: FoundImage['layers']): RecordedImage['layers'] {
  return layers.map(({ digest, sizeBytes: bytes }) => ({ digest, bytes }));
}

function platformText(platform: Platform): string | undefined {
  try {
    return formatPlatform(parsePlatform(formatPlatform(platform)));
  } catch (error) {
    if (isFailure(error, 'platform-invalid')) return undefined;
    throw error;
  }
}
