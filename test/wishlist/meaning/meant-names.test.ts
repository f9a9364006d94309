import assert from 'node:assert/strict';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { meantNames } from '../../../wishlist/meaning/meant-names.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { NO_SETTINGS, type Keep } from '../../../wishlist/recipe/settings.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const NAMES = [
  'quay.io/a:1',
  'quay.io/a:2',
  'quay.io/a:1.5',
  `quay.io/a@${DIGEST}`,
  'quay.io/b:1',
  'sub/quay.io/a:1',
];

describe('wishlist/meaning/meant-names', () => {
  const cases: [what: string, input: string, expected: string[]][] = [
    ['nothing', '', []],
    ['an image', "'quay.io/a:1'", ['quay.io/a:1']],
    ['an image with a scheme', "'http://quay.io/a:1'", ['quay.io/a:1']],
    ['a digest', `'quay.io/a@${DIGEST}'`, [`quay.io/a@${DIGEST}`]],
    ['a pattern', "'quay.io/a:1*'", ['quay.io/a:1', 'quay.io/a:1.5']],
    [
      'the newest of a pattern',
      "{image: 'quay.io/a:*', newest: 1}",
      ['quay.io/a:1', 'quay.io/a:2', 'quay.io/a:1.5'],
    ],
    ['a pattern with exceptions', "{image: 'quay.io/a:1*', exclude: ['*.5']}", ['quay.io/a:1']],
    ['a subdirectory', "{image: 'quay.io/a:1', subdirectory: sub}", ['sub/quay.io/a:1']],
    ['another repository', "{image: 'quay.io/a:1', repositories: [y.test]}", []],
    ['another platform', "{image: 'quay.io/a:1', platforms: [linux/arm64]}", []],
    ['both platforms', "{image: 'quay.io/a:1', platforms: [linux/arm64, linux/amd64]}", ['quay.io/a:1']],
    ['a wrong tag', "'quay.io/b:a b'", NAMES],
    ['a tag that is wrong', "'quay.io/b:!'", ['quay.io/b:1']],
  ];
  for (const [what, input, expected] of cases) {
    it(`finds what a line for ${what} may mean`, () => {
      assert.deepEqual([...meant(input).keys()].toSorted(), expected.toSorted());
    });
  }

  it('says for how long at most', () => {
    const lines = ["{image: 'quay.io/a:1', keep: 3d}", "{image: 'quay.io/a:1*', keep: 9d}", "'quay.io/a:2'"];
    assert.deepEqual(
      [...meant(...lines)].toSorted(([one], [other]) => (one < other ? -1 : 1)),
      [
        ['quay.io/a:1', { days: 9 }],
        ['quay.io/a:1.5', { days: 9 }],
        ['quay.io/a:2', undefined],
      ],
    );
  });
});

function meant(...input: string[]): Map<string, Keep | undefined> {
  const lines = input.filter((line) => line !== '').map((line) => `  - ${line}\n`);
  const text = `version: 2\nrepositories: [x.test, y.test]\ninput:${lines.length === 0 ? ' []' : ''}\n${lines.join('')}`;
  const place = { repository: 'x.test', platform: LINUX_AMD64 };
  return meantNames(NAMES, [parseRecipe(text, 'recipe.yaml')], place, NO_SETTINGS);
}
