import assert from 'node:assert/strict';
import { totalOf, type LayerSize } from '../../../wishlist/check/sizes.ts';

function layer(digest: string, facts: Partial<LayerSize> = {}): LayerSize {
  return { digest, compressedBytes: 10, unpackedBytes: 30, isPublished: false, ...facts };
}

function sum(...images: readonly (readonly LayerSize[])[]) {
  return totalOf(images.map((layers) => ({ image: 'q.io/a:1', platform: 'linux/amd64', layers })));
}

describe('wishlist/check/sizes', () => {
  it('of none is nothing', () => {
    assert.deepEqual(sum(), { layers: 0, compressedBytes: 0, unpackedBytes: 0, publishedBytes: 0 });
  });

  it('has a layer of several images once', () => {
    const shared = layer('a', { isPublished: true });
    assert.deepEqual(sum([shared, layer('b')], [shared, layer('c', { compressedBytes: 5 })]), {
      layers: 3,
      compressedBytes: 25,
      unpackedBytes: 90,
      publishedBytes: 10,
    });
  });

  it('is unknown where a part of it is', () => {
    const unknown = layer('b', { unpackedBytes: undefined, isPublished: undefined });
    const { unpackedBytes, publishedBytes, compressedBytes } = sum([layer('a'), unknown]);
    assert.deepEqual([compressedBytes, unpackedBytes, publishedBytes], [20, undefined, undefined]);
  });
});
