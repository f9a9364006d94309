import assert from 'node:assert/strict';
import {
  chainIds,
  chainPath,
  flatPath,
  layerMetadataPath,
  layerPath,
  layerRoot,
  manifestPath,
  parsePlatformName,
  platformName,
  recordPath,
  treePath,
} from '../../../publisher/image/layout.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { formatPlatform, parsePlatform } from '../../../core/oci/platform.ts';

const HEX = '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945';
const DIGEST: Digest = `sha256:${HEX}`;

describe('publisher/image/layout', () => {
  const paths: [what: string, path: string, expected: string][] = [
    ['a layer', layerPath(DIGEST), `.layers/4f/${HEX}`],
    ['the tree of a layer', layerRoot(DIGEST), `.layers/4f/${HEX}/layerfs`],
    ['the metadata of a layer', layerMetadataPath(DIGEST), `.layers/4f/${HEX}/.metadata`],
    ['a flat tree', flatPath(DIGEST), `.flat/4f/${HEX}`],
    ['a chain', chainPath(DIGEST), `.chains/4f/${HEX}`],
    ['a unit', treePath('flat', HEX), `.flat/4f/${HEX}`],
    ['a record', recordPath('chains', HEX), `.unpackd/chains/4f/${HEX}`],
    [
      'a manifest',
      manifestPath('reg.example:5000/team/app:1'),
      '.metadata/reg.example:5000/team/app:1/manifest.json',
    ],
  ];
  for (const [what, path, expected] of paths) {
    it(`has ${what} at ${expected.replace(HEX, '…')}`, () => {
      assert.equal(path, expected);
    });
  }

  const names: [platform: string, publicName: string, name: string][] = [
    ['linux/amd64', 'reg.example/app:1', 'reg.example/app:1'],
    ['linux/arm64', 'reg.example/app:1', '.multiarch/arm64/reg.example/app:1'],
    ['linux/arm/v7', 'folder/reg.example:5000/app:1', '.multiarch/arm:v7/folder/reg.example:5000/app:1'],
    ['linux/amd64/v3', 'reg.example/app:1', '.multiarch/amd64:v3/reg.example/app:1'],
  ];
  for (const [platform, publicName, name] of names) {
    it(`names ${publicName} for ${platform}, and reads the name again`, () => {
      assert.equal(platformName(parsePlatform(platform), publicName), name);
      const found = parsePlatformName(name);
      assert.deepEqual([formatPlatform(found.platform), found.publicName], [platform, publicName]);
    });
  }

  const plain = [
    '.multiarch',
    '.multiarch/arm64',
    '.multiarch/arm64/',
    '.multiarch//app:1',
    'a/.multiarch/arm64/b',
  ];
  for (const name of plain) {
    it(`reads ${name} as a name without a platform`, () => {
      const { platform, publicName } = parsePlatformName(name);
      assert.deepEqual([formatPlatform(platform), publicName], ['linux/amd64', name]);
    });
  }

  /*
   * Made with coreutils:
   *   printf %s sha256:111…1 | sha256sum
   *   printf '%s %s' sha256:FIRST sha256:222…2 | sha256sum
   */
  const layers: Digest[] = ['1', '2', '1'].map((digit) => `sha256:${digit.repeat(64)}` as const);
  const chains: Digest[] = [
    'sha256:5d4cc820b37f3d1fd0c6e04ed50a56ead8d497ecfd3c25c749855ed9d852837d',
    'sha256:a26106bd7c3b553fcd379a59afd3a3c7c8c8c66128df90c595e0afa6ac7f5722',
    'sha256:527e09d9985012e711a5de1f1099fc6df31662b8afdfdd1854d85d82120c32fb',
  ];

  it('names chains as DUCC does', () => {
    assert.deepEqual(chainIds(layers), chains);
  });

  it('names a chain by the layers up to it alone', () => {
    assert.deepEqual(chainIds(layers.slice(0, 1)), chains.slice(0, 1));
    assert.deepEqual(chainIds([]), []);
    assert.notDeepEqual(chainIds(layers.toReversed().slice(1)), chainIds(layers.slice(0, 2)));
  });
});
