import assert from 'node:assert/strict';
import { withFolders } from '../../../publisher/removal/gone-paths.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';

describe('publisher/removal/gone-paths', () => {
  const cases: readonly (readonly [what: string, there: string[], gone: string[], expected: string[]])[] = [
    ['a file beside others', ['r.io/a:1', 'r.io/b:1'], ['r.io/a:1'], ['r.io/a:1']],
    ['all of a folder', ['r.io/a:1', 'r.io/b:1'], ['r.io/a:1', 'r.io/b:1'], ['r.io']],
    ['the last of several folders', ['r.io/a/b/c:1', 'r.io/d:1'], ['r.io/a/b/c:1'], ['r.io/a']],
    ['all but a marker', ['r.io/a:1', 'r.io/.cvmfscatalog'], ['r.io/a:1'], ['r.io/a:1']],
    ['what seems to be nowhere', [], ['r.io/a:1'], ['r.io/a:1']],
    ['something at the root', ['a'], ['a'], ['a']],
    [
      'the last of the metadata',
      ['.metadata/r.io/a:1/manifest.json'],
      ['.metadata/r.io/a:1/manifest.json'],
      ['.metadata/r.io'],
    ],
    [
      'the last of a platform',
      ['.multiarch/arm64/r.io/a:1'],
      ['.multiarch/arm64/r.io/a:1'],
      ['.multiarch/arm64/r.io'],
    ],
    [
      'the last metadata of a platform',
      ['.metadata/.multiarch/arm64/r.io/a:1/manifest.json'],
      ['.metadata/.multiarch/arm64/r.io/a:1/manifest.json'],
      ['.metadata/.multiarch/arm64/r.io'],
    ],
    [
      'what is kept of an image',
      ['.unpackd/removed/r.io/a:1/x'],
      ['.unpackd/removed/r.io/a:1/x'],
      ['.unpackd/removed/r.io'],
    ],
    [
      'what belongs to a store',
      ['podmanStore/overlay/1/lower', '.multiarch/arm64/podmanStore/overlay/1/lower'],
      ['podmanStore/overlay/1/lower', '.multiarch/arm64/podmanStore/overlay/1/lower'],
      ['podmanStore/overlay/1/lower', '.multiarch/arm64/podmanStore/overlay/1/lower'],
    ],
    [
      'links before metadata',
      ['.metadata/r.io/a:1/x', '.metadata/r.io/b:1/x', 'r.io/a:1', 'r.io/b:1'],
      ['.metadata/r.io/a:1/x', 'r.io/a:1'],
      ['r.io/a:1', '.metadata/r.io/a:1'],
    ],
  ];
  for (const [what, there, gone, expected] of cases) {
    it(`finds what goes with ${what}`, async () => {
      const repository = new MemoryRepository();
      for (const path of there) repository.put(path, 'file');
      assert.deepEqual(await withFolders(repository, gone), expected);
    });
  }
});
