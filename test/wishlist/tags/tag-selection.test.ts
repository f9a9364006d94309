import assert from 'node:assert/strict';
import { parseReference } from '../../../core/oci/reference.ts';
import {
  type TagSelection,
  covers,
  isArtifactTag,
  selectTags,
  selectionOf,
} from '../../../wishlist/tags/tag-selection.ts';

const TAGS = ['latest', '1.10', '1.9', 'v2.0.0', '2.0', '1.9-rc1', '2.1-rc1', 'nightly-3', '0.5'];

const SELECTIONS: [what: string, selection: Partial<TagSelection>, expected: string[]][] = [
  ['everything', { include: ['*'] }, TAGS],
  ['nothing for no pattern', {}, []],
  ['nothing for exclusions alone', { exclude: ['1.*'] }, []],
  ['a tag', { include: ['1.9'] }, ['1.9']],
  [
    'what one of several matches, each once',
    { include: ['1.*', '1.9*', '0.?'] },
    ['1.10', '1.9', '1.9-rc1', '0.5'],
  ],
  ['the rest after an exclusion', { include: ['[12].*'], exclude: ['*-rc*'] }, ['1.10', '1.9', '2.0']],
  ['an exclusion that is a range', { include: ['*'], exclude: ['>=1', '*-*', 'latest'] }, ['0.5']],
  ['nothing where all is excluded', { include: ['1.9'], exclude: ['1.?'] }, []],
  ['a range', { include: ['>=1.9.1'] }, ['1.10', 'v2.0.0', '2.0']],
  ['a range and a tag', { include: ['<1', 'latest'] }, ['latest', '0.5']],
  ['the newest', { include: ['*'], newest: 1 }, ['2.1-rc1']],
  ['the newest release', { include: ['*'], exclude: ['*-rc*'], newest: 1 }, ['v2.0.0', '2.0']],
  [
    'the newest two, whatever their spelling',
    { include: ['*'], exclude: ['*-rc*'], newest: 2 },
    ['1.10', 'v2.0.0', '2.0'],
  ],
  ['the newest of a glob', { include: ['1.*'], newest: 2 }, ['1.10', '1.9']],
  ['a prerelease after its release', { include: ['1.9*'], newest: 1 }, ['1.9']],
  ['the newest of fewer', { include: ['1.9*', 'latest'], newest: 10 }, ['1.9', '1.9-rc1']],
  ['the newest of what is no version', { include: ['latest', 'nightly-*'], newest: 5 }, []],
];

describe('wishlist/tags/tag-selection: selectTags', () => {
  for (const [what, part, expected] of SELECTIONS) {
    it(`chooses ${what}, in the order of the list`, () => {
      const selection = selectionWith(part);
      assert.deepEqual(selectTags(selection, TAGS), expected);
      assert.deepEqual(selectTags(selection, TAGS.toReversed()), expected.toReversed());
    });
  }

  it('keeps every occurrence, and counts a version once', () => {
    assert.deepEqual(selectTags(selectionWith({ include: ['1*'] }), ['10', '2', '1', '10', '1.5']), [
      '10',
      '1',
      '10',
      '1.5',
    ]);
    assert.deepEqual(selectTags(selectionWith({ include: ['*'], newest: 2 }), ['1', '2', '2', '3', '3.0']), [
      '2',
      '2',
      '3',
      '3.0',
    ]);
  });

  it('gives nothing for no tags', () => {
    assert.deepEqual(selectTags(selectionWith({ include: ['*'] }), []), []);
    assert.deepEqual(selectTags(selectionWith({ include: ['*'], newest: 3 }), []), []);
  });

  it('does with a list of any length', () => {
    const tags = Array.from({ length: 130_000 }, (_, index) => `1.${index}`);
    assert.deepEqual(selectTags(selectionWith({ include: ['*'], newest: 2 }), tags), [
      '1.129998',
      '1.129999',
    ]);
    const expected = tags.filter((tag) => (tag.startsWith('1.1') || tag.endsWith('9')) && tag.at(-2) !== '5');
    assert.deepEqual(
      selectTags(selectionWith({ include: ['1.1*', '*9'], exclude: ['*5?'] }), tags),
      expected,
    );
  });

  it('knows selections apart', () => {
    const one = selectionWith({ include: ['1.*'] });
    const other = selectionWith({ include: ['2.*'] });
    for (const tags of [TAGS, ['1.x', '2.x']]) {
      assert.deepEqual(
        selectTags(one, tags),
        tags.filter((tag) => tag.startsWith('1.')),
      );
      assert.deepEqual(
        selectTags(other, tags),
        tags.filter((tag) => tag.startsWith('2.')),
      );
    }
  });
});

describe('wishlist/tags/tag-selection: covers', () => {
  for (const [what, part] of SELECTIONS) {
    it(`agrees with selectTags on ${what}, unless it takes other tags to tell`, () => {
      const selection = selectionWith(part);
      for (const tag of TAGS) {
        const isMeant = selection.newest === undefined && selectTags(selection, [tag]).length === 1;
        assert.equal(covers(selection, tag), isMeant, tag);
      }
    });
  }
});

describe('wishlist/tags/tag-selection: selectionOf', () => {
  it('is undefined for a single image', () => {
    assert.equal(selectionOf(parseReference('quay.io/a:1')), undefined);
    assert.equal(selectionOf(parseReference(`quay.io/a@sha256:${'0'.repeat(64)}`)), undefined);
  });

  it('has the pattern of a reference', () => {
    assert.deepEqual(selectionOf(parseReference('quay.io/a:1.*')), selectionWith({ include: ['1.*'] }));
    const glob = parseReference('quay.io/a:1.{2,3}', { patterns: 'full' });
    assert.deepEqual(selectionOf(glob), selectionWith({ include: ['1.{2,3}'] }));
  });
});

function selectionWith(part: Partial<TagSelection>): TagSelection {
  return { include: [], exclude: [], newest: undefined, ...part };
}

const [HEX, LONG] = ['0123456789abcdef'.repeat(4), '0123456789abcdef'.repeat(8)];

const CASES: readonly (readonly [tag: string, isArtifact: boolean])[] = [
  [`sha256-${HEX}`, true],
  [`sha256-${HEX}.sig`, true],
  [`sha256-${HEX}.att`, true],
  [`sha256-${HEX}.sbom`, true],
  [`sha256-${HEX}.cosign.bundle`, true],
  [`sha512-${HEX}`, true],
  [`sha512-${LONG}`, true],
  [`sha512-${LONG}.sig`, true],
  [`sha256-${HEX.slice(1)}`, false],
  [`sha256-${HEX}0`, false],
  [`sha256-${LONG}`, false],
  [`sha256-${HEX.toUpperCase()}`, false],
  [`sha256-${HEX}-amd64`, false],
  [`v1-sha256-${HEX}`, false],
  [HEX, false],
  ['sha256-latest', false],
  ['buildcache', false],
  ['1.0.sig', false],
];

describe('wishlist/tags/tag-selection: tags of artifacts', () => {
  for (const [tag, isArtifact] of CASES) {
    it(`${tag} is ${isArtifact ? 'of an artifact' : 'any tag'}`, () => {
      assert.equal(isArtifactTag(tag), isArtifact);
    });
  }
});
