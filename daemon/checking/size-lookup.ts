import { outputsOf, OUTPUT_FORMS, outputNames, OWN_FOLDERS } from '../../core/outputs.ts';
import { isLayerRecorded } from '../../publisher/published/published.ts';
import { resolveImage, type Forms } from '../../publisher/pipeline/resolve.ts';
import type { ListingStore } from '../../publisher/layer/listing-store.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { LayerDescriptor } from '../../core/oci/manifest.ts';
import { platformMissing } from '../../publisher/registry/manifest/manifest-choice.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import type { LayerSize, MeasuredImage } from '../../wishlist/check/sizes.ts';
import type { WishedImage } from '../../wishlist/meaning/expand.ts';
import { isFailure, type Failure } from '../../core/failure.ts';
import { formatPlatform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';

/** All forms: names cost nothing. */
const ALL = outputsOf(outputNames());
const FORMS: Forms = { outputs: { possible: ALL, usual: ALL }, multiarchLinks: 'never' };

/** Means of measuring images. */
export interface SizeLookup {
  readonly client: RegistryClient;
  readonly listings: ListingStore;
  /** Content of a repository; `undefined` if it cannot be seen from here. */
  readonly viewOf: (repository: string) => RepositoryView | undefined;
}

/**
 * Fetches the manifests of an image, but not its layers.
 *
 * @param repositories where it is wanted
 * @returns its images by platform, and a failure if a platform that the wish names is missing
 * @throws Failure of the registry client; `platform-missing`
 */
export async function measureImage(
  sizes: SizeLookup,
  wanted: WishedImage,
  repositories: readonly string[],
): Promise<{ images: MeasuredImage[]; missing: Failure | undefined }> {
  const { images, missing, available } = await resolveImage(sizes.client, wanted, FORMS);
  const required = missing.filter(({ isRequired }) => isRequired).map(({ platform }) => platform);
  const image = formatReference(wanted.reference);
  return {
    images: await Promise.all(
      images.map(async ({ platform, manifest: { layers } }) => ({
        image,
        platform: formatPlatform(platform),
        layers: await factsOf(sizes, layers, repositories),
      })),
    ),
    missing: required.length === 0 ? undefined : platformMissing(wanted.reference, required, available),
  };
}

async function factsOf(
  { listings, viewOf }: SizeLookup,
  layers: readonly LayerDescriptor[],
  repositories: readonly string[],
): Promise<LayerSize[]> {
  const distinct = new Map(layers.map((layer) => [layer.digest, layer]));
  const views = repositories.map(viewOf);
  const facts: LayerSize[] = [];
  for (const { digest, sizeBytes } of distinct.values()) {
    const unpackedBytes = (await listings.headerOf(digest))?.sizeBytes;
    const isPublished = await isInAll(views, digest);
    facts.push({ digest, compressedBytes: sizeBytes, unpackedBytes, isPublished });
  }
  return facts;
}

/** True if all repositories have the layer; `undefined` if one of them cannot be read. */
async function isInAll(
  views: readonly (RepositoryView | undefined)[],
  layer: Digest,
): Promise<boolean | undefined> {
  try {
    for (const view of views) {
      if (view === undefined || !(await isPresent(view))) return undefined;
      if (!(await isLayerRecorded(view, layer))) return false;
    }
    return true;
  } catch (error) {
    if (isFailure(error, 'repository-unusable')) return undefined;
    throw error;
  }
}

/** False also for a missing or unrelated folder, which looks like an empty repository. */
async function isPresent(view: RepositoryView): Promise<boolean> {
  const { records } = OWN_FOLDERS;
  return ((await view.kindOf(records)) ?? (await view.kindOf(OUTPUT_FORMS.layers.folder))) !== undefined;
}
