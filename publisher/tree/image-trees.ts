import { isDeepStrictEqual } from 'node:util';
import { ImageMeter } from '../image/image-limits.ts';
import { inTurns } from '../../core/turns.ts';
import { Failure } from '../../core/failure.ts';
import type { LayerFacts } from '../layer/listing.ts';
import type { ListingStore } from '../layer/listing-store.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { buildLayerTree, type LayerTree } from './layer-tree.ts';
import { mergeLayer } from './merge.ts';
import { EMPTY_TREE, type DirectoryNode } from './node.ts';

/** A layer of an image on those below it. */
export interface StackedLayer {
  readonly layer: Digest;
  readonly facts: LayerFacts;
  readonly layerTree: LayerTree;
  /** Root file system of the image up to this layer. */
  readonly rootfs: DirectoryNode;
}

interface Kept {
  readonly tree: LayerTree;
  readonly facts: LayerFacts;
  /** Of making it: charged to each image that has the layer, so that all are judged alike. */
  readonly cost: Cost;
}

type Cost = Pick<ImageMeter, 'steps' | 'entries'>;

/** Members of the trees that are kept in memory for the next image: images of a batch share their lower layers. */
const MOST_ITEMS_KEPT = 150_000;

/** Makes the trees of images from the listings of their layers. Memory is bounded, whatever the number of images. */
export class TreeLoader {
  readonly #listings: ListingStore;
  readonly #kept = new Map<Digest, Kept>();
  #items = 0;
  /** A batch of one image is asked for twice in a row: when it is planned, and when it is composed. */
  #last: { readonly stack: readonly StackedLayer[]; readonly cost: Cost } = { stack: [], cost: NOTHING };

  constructor(listings: ListingStore) {
    this.#listings = listings;
  }

  /**
   * The stack of an image, lowest first.
   *
   * @throws Failure `layer-refused`, `layer-corrupt`; `image-too-large` where that takes more than `meter` allows;
   *   `layer-vanished` where the listing of a layer is gone
   */
  async loadStack(layers: readonly Digest[], meter = new ImageMeter()): Promise<readonly StackedLayer[]> {
    const known = this.#last.stack.map(({ layer }) => layer);
    if (isDeepStrictEqual(known, layers)) {
      charge(meter, this.#last.cost);
      return this.#last.stack;
    }
    this.#last = { stack: [], cost: NOTHING };
    const before = { steps: meter.steps, entries: meter.entries };
    const stack: StackedLayer[] = [];
    for (const layer of layers) {
      const { tree: layerTree, facts } = await this.#load(layer, meter);
      const lower = stack.at(-1)?.rootfs ?? EMPTY_TREE;
      const rootfs = await inTurns(mergeLayer(lower, layerTree.root, meter));
      stack.push({ layer, facts, layerTree, rootfs });
    }
    this.#last = { stack, cost: since(before, meter) };
    return stack;
  }

  async #load(layer: Digest, meter: ImageMeter): Promise<Kept> {
    const kept = this.#kept.get(layer);
    if (kept !== undefined) {
      charge(meter, kept.cost);
      this.#kept.delete(layer);
      this.#kept.set(layer, kept);
      return kept;
    }
    const listing = await this.#listings.load(layer);
    if (listing === undefined) {
      throw new Failure(
        'layer-vanished',
        `the listing of layer ${layer} has disappeared from the state directory`,
        { hint: 'run again: it is made anew from the blob' },
      );
    }
    const { diffId, sizeBytes, blobBytes, compression } = listing;
    const facts = { diffId, sizeBytes, blobBytes, compression };
    const before = { steps: meter.steps, entries: meter.entries };
    const tree = await inTurns(buildLayerTree(listing, layer, meter));
    const cost = since(before, meter);
    const loaded = { tree, facts, cost };
    this.#keep(layer, loaded);
    return loaded;
  }

  #keep(layer: Digest, loaded: Kept): void {
    this.#kept.set(layer, loaded);
    this.#items += loaded.cost.entries;
    for (const [oldest, { cost }] of this.#kept) {
      if (this.#items <= MOST_ITEMS_KEPT || oldest === layer) break;
      this.#kept.delete(oldest);
      this.#items -= cost.entries;
    }
  }
}

const NOTHING: Cost = { steps: 0, entries: 0 };

function since(before: Cost, { steps, entries }: ImageMeter): Cost {
  return { steps: steps - before.steps, entries: entries - before.entries };
}

function charge(meter: ImageMeter, { steps, entries }: Cost): void {
  meter.charge(steps);
  meter.keep(entries);
}
