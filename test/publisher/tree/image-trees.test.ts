import assert from 'node:assert/strict';
import { TreeLoader } from '../../../publisher/tree/image-trees.ts';
import type { Listing } from '../../../publisher/layer/listing.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { file, hardLink, symlink } from '../../support/images/layer-entry.ts';
import { layerAt, listingOf, treeLines } from './stack.ts';

/** Keeps listings in memory, and notes which are asked for. */
class MemoryStore extends ListingStore {
  readonly loaded: Digest[] = [];
  readonly #listings = new Map<Digest, Listing>();

  override async save(layer: Digest, listing: Listing): Promise<void> {
    this.#listings.set(layer, listing);
  }

  override async load(layer: Digest): Promise<Listing | undefined> {
    this.loaded.push(layer);
    return this.#listings.get(layer);
  }
}

describe('publisher/tree/image-trees', () => {
  let store: MemoryStore;
  beforeEach(() => {
    store = new MemoryStore('');
  });

  it('gives each layer by itself, and the image up to it', async () => {
    const layers = [[file('a', '1')], [file('b', '2'), hardLink('c', 'a')]];
    for (const [index, entries] of layers.entries()) await store.save(layerAt(index), listingOf(entries));
    const stack = await new TreeLoader(store).loadStack([layerAt(0), layerAt(1)]);
    assert.deepEqual(
      stack.map(({ layer, layerTree, rootfs }) => [
        layer,
        treeLines(layerTree.root, layers),
        treeLines(rootfs, layers),
      ]),
      [
        [layerAt(0), ['a = 1'], ['a = 1']],
        [layerAt(1), ['b = 2', 'c foreign a'], ['a = 1', 'b = 2', 'c == a']],
      ],
    );
  });

  it('knows how large the archive of each layer is', async () => {
    await store.save(layerAt(0), { ...listingOf([file('a')]), sizeBytes: 12_345 });
    const [stage] = await new TreeLoader(store).loadStack([layerAt(0)]);
    assert.equal(stage?.facts.sizeBytes, 12_345);
  });

  it('reads a layer once for several images', async () => {
    await store.save(layerAt(0), listingOf([file('a')]));
    await store.save(layerAt(1), listingOf([file('b')]));
    const loader = new TreeLoader(store);
    const [first] = await loader.loadStack([layerAt(0), layerAt(1), layerAt(0)]);
    const [second] = await loader.loadStack([layerAt(0)]);
    assert.equal(first?.layerTree, second?.layerTree);
    assert.deepEqual(store.loaded, [layerAt(0), layerAt(1)]);
  });

  it('forgets the layers that were used longest ago, when there are many members', async () => {
    const large = Array.from({ length: 50_000 }, () => file('f'));
    for (let index = 0; index < 5; index++) await store.save(layerAt(index), listingOf(large));
    const loader = new TreeLoader(store);
    for (const index of [0, 1, 2, 0, 3, 0, 2]) await loader.loadStack([layerAt(index)]);
    assert.deepEqual(store.loaded, [0, 1, 2, 3].map(layerAt));
    await loader.loadStack([layerAt(1)]);
    assert.equal(store.loaded.at(-1), layerAt(1));
  });

  it('keeps nothing of a layer that is too large but for the image at hand', async () => {
    const large = Array.from({ length: 150_001 }, () => file('f'));
    await store.save(layerAt(0), listingOf(large));
    await store.save(layerAt(1), listingOf([file('a')]));
    const loader = new TreeLoader(store);
    assert.equal((await loader.loadStack([layerAt(0), layerAt(1)])).length, 2);
    await loader.loadStack([layerAt(0)]);
    assert.deepEqual(store.loaded, [0, 1, 0].map(layerAt));
  });

  it('fails where a listing has disappeared', async () => {
    await assert.rejects(new TreeLoader(store).loadStack([layerAt(0)]), { code: 'layer-vanished' });
  });

  it('fails as often as it is asked for a layer that cannot be unpacked', async () => {
    await store.save(layerAt(0), listingOf([hardLink('a', 'nowhere')]));
    await store.save(layerAt(1), listingOf([symlink('a', 'a'), file('a/b')]));
    const loader = new TreeLoader(store);
    for (let round = 0; round < 2; round++) {
      await assert.rejects(loader.loadStack([layerAt(0)]), { code: 'layer-corrupt' });
      await assert.rejects(loader.loadStack([layerAt(1)]), { code: 'layer-refused' });
    }
  });
});
