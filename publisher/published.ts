import { z } from 'zod';
import { isPlain, layerDigests, type ResolvedImage } from './image.ts';
import { chainIds, chainPath, flatPath, layerRoot, manifestPath, recordPath, type Unit } from './layout.ts';
import { hexOf, type Digest } from './registry/digest.ts';
import { isInStore } from './podman-store/published-images.ts';
import { multiarchName } from './multiarch.ts';
import { isLinked } from './public-links.ts';
import type { BytePath } from './repository/entry.ts';
import type { RepositoryView } from './repository/view.ts';

/** What an image's name leads to in the repository. */
export type PublishedState =
  /** The name, with the same config, in every form that is asked for. */
  'current' | 'absent-or-outdated';

const PublishedManifest = z.object({ config: z.object({ digest: z.string() }) });

/** Whether `image` is published under its name already: its manifest has the same config, and every form is there. */
export async function publishedState(view: RepositoryView, image: ResolvedImage): Promise<PublishedState> {
  const config = image.manifest.config.digest;
  if ((await publishedConfig(view, image)) !== config) return 'absent-or-outdated';
  for (const path of expectedPaths(image)) {
    if ((await view.kindOf(path)) === undefined) return 'absent-or-outdated';
  }
  if (image.outputs.flat && !(await isLinked(view, image))) return 'absent-or-outdated';
  if (image.outputs.podman && !(await isInStore(view, image))) return 'absent-or-outdated';
  return 'current';
}

/** Whether this program published the tree whole, and it is still there. */
export async function isRecorded(
  view: RepositoryView,
  unit: Unit,
  hex: string,
  root: BytePath,
): Promise<boolean> {
  return (await view.kindOf(recordPath(unit, hex))) === 'file' && (await view.kindOf(root)) === 'directory';
}

/** Whether the files of `layer` can be linked to. */
export async function isLayerRecorded(view: RepositoryView, layer: Digest): Promise<boolean> {
  return await isRecorded(view, 'layers', hexOf(layer), layerRoot(layer));
}

/**
 * A manifest that cannot be read is as good as none: the image is published again. DUCC 2.14 has those for linux/amd64
 * beside those for other platforms.
 */
async function publishedConfig(
  view: RepositoryView,
  { publicName, platform }: ResolvedImage,
): Promise<string | undefined> {
  const bytes =
    (await view.read(manifestPath(publicName))) ??
    (isPlain(platform) ? await view.read(manifestPath(multiarchName(platform, publicName))) : undefined);
  if (bytes === undefined) return undefined;
  try {
    return PublishedManifest.parse(JSON.parse(bytes.toString('utf8'))).config.digest;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

function expectedPaths(image: ResolvedImage): BytePath[] {
  const { outputs } = image;
  const layers = layerDigests(image);
  const top = chainIds(layers).at(-1);
  return [
    ...(outputs.flat ? [flatPath(image.manifest.config.digest)] : []),
    ...(outputs.layers ? layers.map(layerRoot) : []),
    ...(outputs.chains && top !== undefined ? [chainPath(top)] : []),
  ];
}
