import assert from 'node:assert/strict';
import { parseVersion } from '../../../wishlist/tags/version.ts';

const VERSIONS: [tag: string, version: string][] = [
  ['1.7.0', '1.7.0'],
  ['1.7', '1.7.0'],
  ['7', '7.0.0'],
  ['v1.7.1', '1.7.1'],
  ['V1', '1.0.0'],
  ['21.2.10', '21.2.10'],
  ['2023.08.01', '2023.8.1'],
  ['20230801', '20230801.0.0'],
  ['000.00.0', '0.0.0'],
  ['1.2.3-rc.1', '1.2.3-rc.1'],
  ['24.11-py3', '24.11.0-py3'],
  ['3-alpine', '3.0.0-alpine'],
  ['1.7.1--py39_0', '1.7.1--py39-0'],
  ['1.2.3_amd64', '1.2.3-amd64'],
  ['1.2-007', '1.2.0-7'],
  ['1.2-rc.007', '1.2.0-rc.7'],
  ['2023-08-01', '2023.0.0-08-01'],
];

const OTHERS: string[] = [
  '',
  'v',
  'latest',
  'jammy-22.04',
  '1.2.3.4',
  '1.',
  '.1',
  '1..2',
  '1.2rc1',
  '3f2a91b',
  'vv1',
  'v-1',
  '1.x',
  '1.2-',
  '1.2-a..b',
  '1.2-a.',
  '1.2+b',
  ' 1.2',
  '1.2\n',
  '>=1.2',
  '١.٢',
  '99999999999999999999',
  '1.2.9007199254740993',
  '1.2.3-a b',
];

describe('wishlist/tags/version', () => {
  for (const [tag, version] of VERSIONS) {
    it(`reads ${tag} as ${version}`, () => assert.equal(parseVersion(tag)?.version, version));
  }

  for (const tag of OTHERS) {
    it(`takes ${JSON.stringify(tag)} for no version`, () => assert.equal(parseVersion(tag), undefined));
  }

  it('says the same whatever else it has read', () => {
    for (let patch = 0; patch < 50_000; patch += 1) {
      assert.equal(parseVersion(`1.0.${patch}`)?.patch, patch);
      assert.equal(parseVersion(`x${patch}`), undefined);
    }
    for (const [tag, version] of VERSIONS) assert.equal(parseVersion(tag)?.version, version);
    for (const tag of OTHERS) assert.equal(parseVersion(tag), undefined);
  });
});
