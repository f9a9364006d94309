import assert from 'node:assert/strict';
import { findLinks, targetWithin } from '../../../publisher/adoption/names.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';

describe('publisher/adoption/names', () => {
  it('finds the links by which users find images, and no others', async () => {
    const repository = new MemoryRepository();
    const links = [
      'quay.io/lab/tool:1',
      'sub/folder/quay.io/lab/tool:1',
      'library/debian:12',
      'alone',
      '.multiarch/arm64/quay.io/lab/tool:1',
    ];
    for (const path of links) repository.put(path, 'symlink', 'somewhere');
    for (const path of [
      '.multiarch/aarch64',
      '.multiarch/arm64/podmanStore/overlay/l/abc',
      '.flat/ab/cd/bin',
      '.layers/ab/cd/layerfs/bin',
      '.images/ab/cd/bin',
      'podmanStore/overlay/l/abc',
      '.other/link',
    ])
      repository.put(path, 'symlink', 'somewhere');
    repository.put('quay.io/lab/file', 'file');
    const found = await findLinks(repository);
    assert.deepEqual(found.map(({ path }) => path).toSorted(), links.toSorted());
    assert.ok(found.every(({ target }) => target === 'somewhere'));
  });

  const targets: readonly (readonly [path: string, target: string, within: string | undefined])[] = [
    ['quay.io/lab/tool:1', '../../.flat/ab/abc', '.flat/ab/abc'],
    ['alone', '.flat/ab/abc', '.flat/ab/abc'],
    ['alone', '../other/.flat/ab/abc', undefined],
    ['quay.io/tool', '../..', undefined],
    ['quay.io/tool', '/cvmfs/other/.flat/ab/abc', undefined],
  ];
  for (const [path, target, within] of targets)
    it(`says that ${path} -> ${target} leads to ${within ?? 'nothing of the repository'}`, () => {
      assert.equal(targetWithin({ path, target }), within);
    });
});
