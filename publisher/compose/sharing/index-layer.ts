import { isFailure } from '../../../core/failure.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { inTurns } from '../../../core/turns.ts';
import { ImageMeter, type ImageLimits } from '../../image/image-limits.ts';
import type { FreshListing } from '../../layer/listing.ts';
import type { FileIndex } from './file-index.ts';
import { fileRecords } from './file-records.ts';
import { buildLayerTree, type LayerTree } from '../../tree/layer-tree.ts';

/**
 * Keeps which files of the layer others may share. A layer of which no tree can be made has none: it fails where it is composed.
 *
 * @throws Failure `disk-full`, `state-unusable`
 */
export async function indexLayer(
  layer: Digest,
  listing: FreshListing,
  index: FileIndex,
  limits: ImageLimits,
): Promise<void> {
  let tree: LayerTree;
  try {
    tree = await inTurns(buildLayerTree(listing, layer, new ImageMeter(limits)));
  } catch (error) {
    if (!isFailure(error)) throw error;
    return;
  }
  await index.save(layer, await inTurns(fileRecords(listing, tree)));
}
