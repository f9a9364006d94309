import { Failure } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { layerOf, type PublishedTree } from '../outputs/output.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import type { TreeSources } from './tree-entries.ts';

/** A layer that was published when the image was prepared, and was not fetched, may have been collected since. */
export function checkBlobs(image: ReadyImage, trees: readonly PublishedTree[]): void {
  const needed = trees.flatMap((tree) =>
    tree.files === 'copied' ? layerDigests(image) : (layerOf(tree) ?? []),
  );
  const gone = needed.find((layer) => !image.blobs.has(layer));
  if (gone === undefined) return;
  throw new Failure('layer-vanished', `layer ${gone} was removed from the repository meanwhile`, {
    hint: 'run again: it is fetched then',
  });
}

/** The blobs of `image`, and the trees of its layers. */
export function sourcesOf(
  { blobs }: ReadyImage,
  stack: readonly StackedLayer[],
): Pick<TreeSources, 'blobOf' | 'treeOf'> {
  return {
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
