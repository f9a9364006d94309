import { ImageMeter } from '../../../publisher/image/image-limits.ts';
import type { Listing } from '../../../publisher/layer/listing.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { buildLayerTree, type LayerTree } from '../../../publisher/tree/layer-tree.ts';
import { mergeLayer } from '../../../publisher/tree/merge.ts';
import type { DirectoryNode, LayerDirectoryNode } from '../../../publisher/tree/node.ts';
import { atOnce } from '../../../core/turns.ts';

export function treeOf(listing: Pick<Listing, 'items'>, layer: Digest): LayerTree {
  return atOnce(buildLayerTree(listing, layer, new ImageMeter()));
}

export function mergedTree(lower: DirectoryNode, layer: LayerDirectoryNode): DirectoryNode {
  return atOnce(mergeLayer(lower, layer, new ImageMeter()));
}
