import assert from 'node:assert/strict';
import { changesSince } from '../../../wishlist/check/changes.ts';
import { recipeOf } from './recipes.ts';

const TOOL = "'quay.io/lab/tool:1'";
const CASA = "'quay.io/stimela/casa:1.*'";
const ON_ARM = "{image: 'quay.io/lab/tool:1', platforms: [linux/arm64]}";

describe('wishlist/check/changes', () => {
  function changed(
    before: readonly string[],
    after: readonly string[],
    heads: readonly string[] = [],
  ): string[] {
    const [old = '', now = ''] = heads;
    const changes = changesSince(recipeOf(before, { head: old }), recipeOf(after, { head: now }));
    return [...changes.wishes].map(({ text }) => text);
  }

  const cases: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ['nothing', [TOOL, CASA], [TOOL, CASA], []],
    ['lines that moved', [TOOL, CASA], [CASA, TOOL], []],
    ['another way of writing', [TOOL], ["'https://quay.io/lab/tool:1' # a remark"], []],
    ['a line more', [TOOL], [TOOL, CASA], ['quay.io/stimela/casa:1.*']],
    ['a line less', [TOOL, CASA], [CASA], []],
    ['another tag', [TOOL], ["'quay.io/lab/tool:2'"], ['quay.io/lab/tool:2']],
    ['plain HTTP', [TOOL], ["'http://quay.io/lab/tool:1'"], ['http://quay.io/lab/tool:1']],
    ['a platform', [TOOL], [ON_ARM], ['quay.io/lab/tool:1']],
    [
      'platforms in another order',
      ["{image: 'quay.io/lab/tool:1', platforms: [linux/arm64, linux/amd64]}"],
      ["{image: 'quay.io/lab/tool:1', platforms: [linux/amd64, linux/arm64]}"],
      [],
    ],
  ];
  for (const [what, before, after, expected] of cases) {
    it(`${what}: ${expected.join() || 'none'}`, () => assert.deepEqual(changed(before, after), expected));
  }

  it('what nobody asks for any more is told, unless a line asks for it in another way', () => {
    const removed = (before: readonly string[], after: readonly string[]): readonly string[] =>
      changesSince(recipeOf(before), recipeOf(after)).removed;
    assert.deepEqual(removed([TOOL, CASA], [TOOL]), ['quay.io/stimela/casa:1.*']);
    assert.deepEqual(removed([CASA], ["'quay.io/stimela/casa:2.*'"]), ['quay.io/stimela/casa:1.*']);
    assert.deepEqual(removed([TOOL, CASA], [CASA, ON_ARM]), []);
    assert.deepEqual(removed([TOOL], [TOOL, CASA]), []);
  });

  it('a default is a change of the wishes that it counts for', () => {
    const heads = ['', 'platforms: [linux/arm64]\n'];
    assert.deepEqual(changed([TOOL, CASA], [TOOL, CASA], heads), [
      'quay.io/lab/tool:1',
      'quay.io/stimela/casa:1.*',
    ]);
    assert.deepEqual(changed([ON_ARM], [ON_ARM], heads), []);
    assert.deepEqual(changed([TOOL], [ON_ARM], [heads[1] ?? '', '']), [], 'what is said is the same');
  });

  it('without an earlier version everything is new', () => {
    const recipe = recipeOf([TOOL, TOOL]);
    const { wishes, problems } = changesSince(undefined, recipe);
    assert.deepEqual([wishes.size, problems.size], [1, 1]);
  });

  it('a problem is new where the earlier version has fewer of its kind', () => {
    const before = recipeOf(['debian:12', TOOL, TOOL]);
    const after = recipeOf([TOOL, 'debian:12', TOOL, TOOL, 'debian:13']);
    const { problems } = changesSince(before, after);
    assert.deepEqual(
      [...problems].map(({ line, code }) => [line, code]),
      [
        [7, 'wish-repeated'],
        [8, 'reference-invalid'],
      ],
    );
  });
});
