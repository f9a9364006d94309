import type { Digest } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { ReadyImage } from '../image/image.ts';
import { layerOf, publishedPath, treeName, type PublishedTree, type TreeName } from '../outputs/output.ts';
import { layerLocation } from '../published/published.ts';
import { likeliestFirst, LikelyLayers } from './sharing/likely-layers.ts';
import { Effort, FileSharing, SharedFiles, type SharingParts } from './sharing/shared-files.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import type { LayerSource } from '../tree/node.ts';
import type { ChangeOptions } from './tree-changes.ts';

/** Layers of the same publication that the files of a new one are looked for in: the last ones. */
const MOST_BROUGHT = 32;

/** What the layers of a batch share with each other, and with published ones. */
export class BatchSharing {
  readonly #likely: LikelyLayers;
  readonly #sharing: FileSharing;
  readonly #options: ChangeOptions;
  /** By each layer that the batch brings. */
  readonly #brought = new Map<Digest, SharedFiles>();

  constructor(parts: SharingParts, options: ChangeOptions) {
    this.#likely = new LikelyLayers(parts.view);
    this.#sharing = new FileSharing(parts);
    this.#options = options;
  }

  /** Finds what the layers among `trees` share: for {@link take}, where the image is taken. */
  async plan(
    image: ReadyImage,
    stack: readonly StackedLayer[],
    trees: readonly PublishedTree[],
  ): Promise<ReadonlyMap<Digest, SharedFiles>> {
    const planned = new Map<Digest, SharedFiles>();
    const bringsLayers = trees.some((tree) => layerOf(tree) !== undefined);
    const likely = bringsLayers ? await this.#likely.of(image) : [];
    const effort = new Effort();
    for (const tree of trees) {
      const position = stack.findIndex((stacked) => stacked.layer === layerOf(tree));
      const layer = stack[position];
      if (layer === undefined) continue;
      const published = likeliestFirst(likely, position).filter(
        (other) => !this.#isMadeAnew(layerLocation(other)),
      );
      const brought = new Map([...this.#brought, ...planned].slice(-MOST_BROUGHT));
      const shared = this.#isMadeAnew(tree)
        ? new SharedFiles()
        : await this.#sharing.of(layer, { published, brought, effort });
      planned.set(layer.layer, shared);
    }
    return planned;
  }

  take(planned: ReadonlyMap<Digest, SharedFiles>): void {
    for (const [layer, shared] of planned) this.#brought.set(layer, shared);
  }

  /** Path in the repository of the file that `source` is. */
  readonly homeOf = (source: LayerSource): BytePath => {
    const owner = this.#brought.get(source.layer)?.ownerOf(source.ordinal);
    return publishedPath(owner === undefined ? source : { layer: owner, path: source.path });
  };

  /** What is wrong may be wrong in all layers that share it. */
  #isMadeAnew(tree: TreeName): boolean {
    const { overwriteLayers, repairs } = this.#options;
    return overwriteLayers || repairs?.has(treeName(tree)) === true;
  }
}
