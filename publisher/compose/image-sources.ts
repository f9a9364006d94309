import { existsSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { layerOf, type PublishedTree } from '../outputs/output.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import type { TreeSources } from './tree-entries.ts';

/**
 * A layer that was published when the image was prepared, and was not fetched, may have been collected since; a blob that was
 * found changed while it was published is gone.
 *
 * @throws Failure `layer-vanished`
 */
export function checkBlobs(image: ReadyImage, trees: readonly PublishedTree[]): void {
  const needed = trees.flatMap((tree) =>
    tree.files === 'copied' ? layerDigests(image) : (layerOf(tree) ?? []),
  );
  for (const layer of needed) {
    const blob = image.blobs.get(layer);
    if (blob !== undefined && existsSync(blob)) continue;
    const place = blob === undefined ? 'repository' : 'spool';
    throw new Failure('layer-vanished', `layer ${layer} was removed from the ${place} meanwhile`, {
      hint: 'run again: it is fetched then',
    });
  }
}

/** The blobs of `image`, and the trees of its layers. */
export function sourcesOf(
  { blobs, packs }: ReadyImage,
  stack: readonly StackedLayer[],
): Pick<TreeSources, 'blobOf' | 'packOf' | 'treeOf'> {
  return {
    packOf: (layer) => packs?.get(layer),
    blobOf: (layer: Digest): string => {
      const blob = blobs.get(layer);
      if (blob === undefined) throw new Error(`the blob of ${layer} was not fetched`);
      return blob;
    },
    treeOf: (layer: Digest): LayerTree => {
      const stacked = stack.find((one) => one.layer === layer);
      if (stacked === undefined) throw new Error(`${layer} is not a layer of the image`);
      return stacked.layerTree;
    },
  };
}
