import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../wishlist/failure.ts';
import type { LayerFacts } from '../layer/listing.ts';
import type { ListingStore } from '../layer/listing-store.ts';
import type { Digest } from '../registry/digest.ts';
import { buildLayerTree, type LayerTree } from '../tree/layer-tree.ts';
import { mergeLayer } from '../tree/merge.ts';
import { EMPTY_TREE, type DirectoryNode } from '../tree/node.ts';

/** One layer of an image, and what the image is from it downwards. */
export interface Stage {
  readonly layer: Digest;
  readonly facts: LayerFacts;
  readonly own: LayerTree;
  readonly merged: DirectoryNode;
}

interface Kept {
  readonly tree: LayerTree;
  readonly facts: LayerFacts;
  readonly items: number;
}

/** Members of the trees that are kept in memory for the next image: images of a batch share their lower layers. */
const MOST_ITEMS_KEPT = 150_000;

/** Makes the trees of images from the listings of their layers. Memory is bounded, whatever the number of images. */
export class TreeLoader {
  readonly #listings: ListingStore;
  readonly #kept = new Map<Digest, Kept>();
  #items = 0;
  /** A batch of one image is asked for twice in a row: when it is planned, and when it is composed. */
  #last: readonly Stage[] = [];

  constructor(listings: ListingStore) {
    this.#listings = listings;
  }

  /** The stages of an image, lowest first. @throws Failure `layer-refused`, `layer-corrupt` */
  async stagesOf(layers: readonly Digest[]): Promise<readonly Stage[]> {
    if (
      isDeepStrictEqual(
        this.#last.map(({ layer }) => layer),
        layers,
      )
    )
      return this.#last;
    this.#last = [];
    const stages: Stage[] = [];
    for (const layer of layers) {
      const { tree: own, facts } = await this.#load(layer);
      stages.push({
        layer,
        facts,
        own,
        merged: mergeLayer(stages.at(-1)?.merged ?? EMPTY_TREE, own.root),
      });
    }
    this.#last = stages;
    return stages;
  }

  async #load(layer: Digest): Promise<Kept> {
    const kept = this.#kept.get(layer);
    if (kept !== undefined) {
      this.#kept.delete(layer);
      this.#kept.set(layer, kept);
      return kept;
    }
    const listing = await this.#listings.load(layer);
    if (listing === undefined) {
      throw new Failure(
        'state-unusable',
        `the listing of layer ${layer} has disappeared from the state directory`,
        {
          hint: 'run again: it is made anew from the blob',
        },
      );
    }
    const { items, ...facts } = listing;
    const loaded = { tree: buildLayerTree(listing, layer), facts, items: items.length };
    this.#keep(layer, loaded);
    return loaded;
  }

  #keep(layer: Digest, loaded: Kept): void {
    this.#kept.set(layer, loaded);
    this.#items += loaded.items;
    for (const [oldest, { items: freed }] of this.#kept) {
      if (this.#items <= MOST_ITEMS_KEPT || oldest === layer) break;
      this.#kept.delete(oldest);
      this.#items -= freed;
    }
  }
}
