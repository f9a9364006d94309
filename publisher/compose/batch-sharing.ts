import type { Digest } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { ReadyImage } from '../image/image.ts';
import { layerOf, publishedPath, treeName, type PublishedTree } from '../outputs/output.ts';
import type { RepositoryView } from '../publication/view.ts';
import { likelyLayers } from './sharing/likely-layers.ts';
import { FileSharing, SharedFiles, type SharingParts } from './sharing/shared-files.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import type { LayerSource } from '../tree/node.ts';
import type { ChangeOptions } from './tree-changes.ts';

/** Layers of the same publication that the files of a new one are looked for in: the last ones. */
const MOST_BROUGHT = 32;

/** What the layers of a batch share with each other, and with published ones. */
export class BatchSharing {
  readonly #view: RepositoryView;
  readonly #sharing: FileSharing;
  readonly #options: ChangeOptions;
  /** By each layer that the batch brings. */
  readonly #brought = new Map<Digest, SharedFiles>();

  constructor(parts: SharingParts, options: ChangeOptions) {
    this.#view = parts.view;
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
    const layers = trees.flatMap((tree) => layerOf(tree) ?? []);
    const published = layers.length === 0 ? [] : await likelyLayers(this.#view, image);
    for (const tree of trees) {
      const layer = stack.find((stacked) => stacked.layer === layerOf(tree));
      if (layer === undefined) continue;
      const brought = new Map([...this.#brought, ...planned].slice(-MOST_BROUGHT));
      const shared = this.#isMadeAnew(tree)
        ? new SharedFiles()
        : await this.#sharing.of(layer, { published, brought });
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
  #isMadeAnew(tree: PublishedTree): boolean {
    const { overwriteLayers, repairs } = this.#options;
    return overwriteLayers || repairs?.has(treeName(tree)) === true;
  }
}
