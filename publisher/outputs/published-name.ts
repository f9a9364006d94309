import { isFailure } from '../../core/failure.ts';
import { hexOf } from '../../core/oci/digest.ts';
import type { OutputName, Outputs } from '../../core/outputs.ts';
import { isPlain, layerDigests, type NamedImage } from '../image/image.ts';
import { flatId, multiarchName, parsePlatformName, recordPath } from '../image/layout.ts';
import type { IdentifiedImage } from './output.ts';
import { OUTPUTS } from './outputs.ts';
import type { RepositoryView } from '../publication/view.ts';
import { publishedImage, type PublishedImage } from '../published/published-image.ts';

/**
 * The image that is published under `name`, with the forms in which it is whole.
 *
 * @param name as `platformName` gives it
 * @returns `undefined` where there is no manifest, or one that cannot be read
 */
export async function publishedName(view: RepositoryView, name: string): Promise<PublishedImage | undefined> {
  const { platform, publicName } = parsePlatformName(name);
  try {
    return (
      (await publishedImage(view, name, { outputsOf })) ??
      // DUCC 2.14 has manifests for linux/amd64 beside those for other platforms.
      (isPlain(platform)
        ? await publishedImage(view, multiarchName(platform, publicName), { outputsOf })
        : undefined)
    );
  } catch (error) {
    if (isFailure(error, 'manifest-invalid', 'media-type-unsupported', 'reference-invalid')) return undefined;
    throw error;
  }
}

async function outputsOf(view: RepositoryView, image: IdentifiedImage): Promise<Outputs> {
  const published = new Set<OutputName>();
  for (const output of OUTPUTS)
    if (await output.isPublished(view, { ...image, outputs: published })) published.add(output.name);
  return published;
}

/** Reports whether unpackd published the image: its flat tree, or where it has none, its layers. */
export async function isOurs(view: RepositoryView, image: Pick<NamedImage, 'manifest'>): Promise<boolean> {
  const isRecord = async (kind: OutputName, hex: string): Promise<boolean> =>
    (await view.kindOf(recordPath(kind, hex))) === 'file';
  if (await isRecord('flat', hexOf(flatId(image.manifest)))) return true;
  for (const layer of layerDigests(image)) if (!(await isRecord('layers', hexOf(layer)))) return false;
  return layerDigests(image).length > 0;
}
