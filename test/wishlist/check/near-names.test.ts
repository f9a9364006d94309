import assert from 'node:assert/strict';
import { likelyRepositories, nearestRegistry, nearestTag } from '../../../wishlist/check/near-names.ts';
import { parseReference } from '../../../core/oci/reference.ts';

const TAGS = ['1.6.0', '1.7.0', '1.7.1', '1.10.0', 'v2.0', '3', 'latest', 'Focal', '2024.01-cuda'];

describe('wishlist/check/near-names: the nearest tag', () => {
  const cases = [
    ['v1.7.1', '1.7.1'],
    ['V1.7.1', '1.7.1'],
    ['version-1.7.1', '1.7.1'],
    ['2.0', 'v2.0'],
    ['v2', 'v2.0'],
    ['3.0', '3'],
    ['1.10', '1.10.0'],
    ['focal', 'Focal'],
    ['LATEST', 'latest'],
    ['lastest', 'latest'],
    ['2024.1-cuda', '2024.01-cuda'],
    ['1.7.O', '1.7.0'],
    ['l.7.l', '1.7.1'],
    ['1.7.2', '1.7.1'],
    ['jammy', undefined],
    ['1', undefined],
  ] as const;
  for (const [tag, expected] of cases) {
    it(`of ${tag} is ${String(expected)}`, () => assert.equal(nearestTag(tag, TAGS), expected));
  }

  it('is the highest version of several that are as near', () => {
    assert.equal(nearestTag('1.7.99', ['1.7.9', '1.7.8', '1.7.19', '1.7.29']), '1.7.29');
  });

  it('is none where there are no tags', () => assert.equal(nearestTag('1', []), undefined));
});

describe('wishlist/check/near-names: repositories that may be meant', () => {
  const others = ['quay.io/stimela/casa:1', 'quay.io/lab/tool:1', 'docker.io/lab/tool:1'].map((text) =>
    parseReference(text),
  );
  const cases = [
    ['docker.io/debian:12', ['library/debian']],
    ['quay.io/stimela/cassa:1', ['stimela/casa']],
    ['quay.io/debian:12', []],
    ['docker.io/stimela/cassa:1', []],
    ['quay.io/stimela/casa:7', []],
  ] as const;
  for (const [image, expected] of cases) {
    it(`for ${image}: ${expected.join() || 'none'}`, () =>
      assert.deepEqual(likelyRepositories(parseReference(image), others), expected));
  }
});

describe('wishlist/check/near-names: the nearest registry', () => {
  const others = [parseReference('registry.example.org/lab/tool:1')];
  const cases = [
    ['qauy.io', 'quay.io'],
    ['ghrc.io', 'ghcr.io'],
    ['docker.io', undefined],
    ['registry.exmaple.org', 'registry.example.org'],
    ['registry.example.org', undefined],
    ['images.somewhere.else.example', undefined],
  ] as const;
  for (const [registry, expected] of cases) {
    it(`of ${registry} is ${String(expected)}`, () =>
      assert.equal(nearestRegistry(registry, others), expected));
  }
});
