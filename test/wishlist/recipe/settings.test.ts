import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { isOwnFolder, ownFolders } from '../../../core/outputs.ts';
import { type Keep, parseKeep, parseSubdirectory } from '../../../wishlist/recipe/settings.ts';

describe('wishlist/recipe/settings: keep', () => {
  const good: [text: string, keep: Keep][] = [
    ['forever', 'forever'],
    ['1d', { days: 1 }],
    ['30d', { days: 30 }],
    ['9999d', { days: 9999 }],
    ['10000d', { days: 10_000 }],
    ['35999d', { days: 35_999 }],
    ['36499d', { days: 36_499 }],
    ['36500d', { days: 36_500 }],
  ];
  for (const [text, keep] of good) {
    it(`is read from ${text}`, () => assert.deepEqual(parseKeep(text), keep));
  }

  const bad = [
    '',
    '0d',
    '01d',
    '36501d',
    '99999d',
    '100000d',
    '30',
    'd',
    '-1d',
    '1.5d',
    '1w',
    '30 d',
    '30D',
    'Forever',
  ];
  for (const text of [...bad, ' 30d', '30d\n', 'never']) {
    it(`is not read from ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseKeep(text),
        (error) => isFailure(error, 'setting-invalid') && error.hint !== undefined,
      );
    });
  }
});

describe('wishlist/recipe/settings: a subdirectory', () => {
  const good = [
    'a',
    'physics/simulation',
    'A_b-c/1.2.3/x',
    '_a/b..c',
    '2024',
    'a/localhost/docker.io',
    'a/'.repeat(9) + 'a',
    'x'.repeat(200),
    'a/podmanStore',
    'podmanStores',
    'layers',
  ];
  for (const text of good) {
    it(`may be ${text}`, () => assert.equal(parseSubdirectory(text), text));
  }

  const bad: [what: string, text: string][] = [
    ['nothing', ''],
    ['the root', '/'],
    ['an absolute path', '/a'],
    ['a slash at the end', 'a/'],
    ['two slashes', 'a//b'],
    ['.', '.'],
    ['..', '..'],
    ['.. at the end', 'a/..'],
    ['.. within', 'a/../b'],
    ['a hidden folder', 'a/.layers'],
    ['a hidden folder at the beginning', '.multiarch/arm64'],
    ['what CernVM-FS keeps for itself', '.cvmfs/a'],
    ['what CernVM-FS acts on', 'a/.cvmfscatalog'],
    ['an option', '-f'],
    ['a registry', 'quay.io'],
    ['a registry with a repository', 'docker.io/library'],
    ['a registry in upper case', 'LOCALHOST/a'],
    ['a registry with a port', 'registry:5000/a'],
    ['a colon', 'a/b:1'],
    ['a space', 'a b'],
    ['a line break', 'a\n'],
    ['a backslash', 'a\\b'],
    ['an at sign', 'a/b@c'],
    ['letters of other alphabets', 'ä'],
    ['eleven components', `${'a/'.repeat(10)}a`],
    ['201 characters', 'x'.repeat(201)],
    ...ownFolders()
      .flatMap((name) => [name, name.toUpperCase(), name.toLowerCase(), `${name}/overlay`])
      .map((name): [string, string] => ['a folder of our own', name]),
  ];
  for (const [what, text] of bad) {
    it(`may not be ${what}`, () => {
      assert.throws(
        () => parseSubdirectory(text),
        (error) => isFailure(error, 'setting-invalid') && error.hint !== undefined,
      );
    });
  }
});

describe('wishlist/recipe/settings: folders of our own', () => {
  it('are those of CernVM-FS too, in any case', () => {
    for (const name of ['.cvmfs', '.cvmfscatalog', '.CVMFSdirtab', '.cvmfs_status.json'])
      assert.ok(isOwnFolder(name), name);
    for (const name of ['cvmfs', 'docker.io', 'physics', '', 'x.cvmfs']) assert.ok(!isOwnFolder(name), name);
  });

  it('are no registry that an image could come from', () => {
    for (const name of [...ownFolders(), '.cvmfscatalog'])
      for (const image of [name, name.toUpperCase()].flatMap((host) => [`${host}/a`, `https://${host}/a:1`]))
        assert.throws(
          () => parseReference(image),
          (error) => isFailure(error, 'reference-invalid'),
          image,
        );
  });
});
