import { Failure, isFailure } from '../../core/failure.ts';
import { type Platform, formatPlatform, parsePlatform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { type FoundImage, findPublished } from '../../publisher/published/find-published.ts';
import type { ResolvedImage } from '../../publisher/image/image.ts';
import type { PlatformImage } from '../../publisher/image/results.ts';
import type { Backend } from '../../publisher/publication/backend.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { CvmfsBackend } from '../../publisher/repository/cvmfs/backend.ts';
import { DirectoryBackend } from '../../publisher/repository/directory/backend.ts';
import type { Configuration } from '../configuration/options.ts';
import type { RecordedImage } from '../state/state.ts';

/** Creates the configured backend. */
export function createBackend(configuration: Configuration): Backend {
  const { root, waitMs, allowPrivileged, publishTimeoutMs: idleLimitMs } = configuration;
  switch (configuration.backend) {
    case 'directory':
      return new DirectoryBackend({ root, waitMs, allowPrivileged });
    case 'cvmfs': {
      const { cvmfsServer: command, cvmfsSpool: spool, cvmfsConfiguration } = configuration;
      const installation = { command, root, spool, configuration: cvmfsConfiguration };
      return new CvmfsBackend({ installation, waitMs, idleLimitMs });
    }
  }
}

/** The published content, for commands that often run on other machines: `undefined` if it cannot be seen from here. */
export function publishedView(backend: Backend, repository: string): RepositoryView | undefined {
  try {
    return backend.view(repository);
  } catch (error) {
    if (isFailure(error, 'repository-unusable')) return undefined;
    throw error;
  }
}

/**
 * For work on what is published: a publisher would make the directory of a repository that is gone.
 *
 * @throws Failure `repository-unusable` where there is none, as when its file system is not mounted
 */
export async function assertThere(view: RepositoryView, repository: string): Promise<void> {
  if ((await view.kindOf('')) === 'directory') return;
  throw new Failure('repository-unusable', `${repository} is not there`, {
    hint: 'check that its file system is mounted, and --root',
  });
}

/** The record of a published image, for one platform. */
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

/** Records of all images found in a repository. */
export async function imagesIn(view: RepositoryView): Promise<RecordedImage[]> {
  return (await findPublished(view)).flatMap((image) => newImageOf(image) ?? []);
}

/** The same for an image found in a repository; `undefined` if its folder does not name a platform. */
export function newImageOf({ publicName, config, layers, ...found }: FoundImage): RecordedImage | undefined {
  const platform = platformText(found.platform);
  if (platform === undefined) return undefined;
  return { publicName, platform, image: undefined, config, layers: layersOf(layers), publishedMs: undefined };
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
