import assert from 'node:assert/strict';
import { findOverlaps } from '../../../wishlist/check/overlaps.ts';
import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import { recipeOf } from './recipes.ts';

function found(...recipes: readonly Recipe[]): string[] {
  return findOverlaps(recipes).map(
    ({ recipe, remark: { line, severity, code } }) => `${recipe.file}:${line} ${severity} ${code}`,
  );
}

describe('wishlist/check/overlaps: wishes that a pattern covers', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['an image that it matches', ['q.io/a/b:1.*', 'q.io/a/b:1.2'], ['5']],
    ['an image before it', ['q.io/a/b:1.2', 'q.io/a/b:1.*'], ['4']],
    ['an image that it does not match', ['q.io/a/b:1.*', 'q.io/a/b:2.0'], []],
    ['an image of another repository', ['q.io/a/b:*', 'q.io/a/c:1'], []],
    ['a digest', ['q.io/a/b:*', `q.io/a/b:1@sha256:${'0'.repeat(64)}`], []],
    ['a narrower pattern', ['q.io/a/b:1.*', 'q.io/a/b:1.2.*'], ['5']],
    ['patterns of which none is wider', ['q.io/a/b:1.*', 'q.io/a/b:*-cuda'], []],
    ['latest, which nobody wrote', ['q.io/a/b:*', 'q.io/a/b'], ['5']],
  ];
  for (const [what, images, lines] of cases) {
    it(`${what}: ${lines.join() || 'none'}`, () => {
      const expected = lines.map((line) => `recipe.yaml:${line} note wish-covered`);
      assert.deepEqual(found(recipeOf(images.map((image) => `'${image}'`))), expected);
    });
  }

  it('only where it has their platforms too', () => {
    const arm = "{image: 'q.io/a/b:1', platforms: [linux/arm64]}";
    const both = "{image: 'q.io/a/b:*', platforms: [linux/amd64, linux/arm64]}";
    assert.deepEqual(found(recipeOf(["'q.io/a/b:*'", arm])), []);
    assert.deepEqual(found(recipeOf([both, arm])), ['recipe.yaml:5 note wish-covered']);
  });
});

describe('wishlist/check/overlaps: wishes that another recipe has', () => {
  const one = recipeOf(["'q.io/a/b:1'", "'q.io/a/b:2.*'"], { file: 'one.yaml' });
  it('in the same repository: a warning for the later one', () => {
    const two = recipeOf(["'q.io/a/b:1'", "'q.io/a/b:2.*'", "'q.io/a/b:2.1'"], { file: 'two.yaml' });
    assert.deepEqual(found(one, two), [
      'two.yaml:4 warning wish-elsewhere',
      'two.yaml:5 warning wish-elsewhere',
      'two.yaml:6 note wish-covered',
    ]);
  });

  it('in another repository: nothing', () => {
    const other = recipeOf(["'q.io/a/b:1'"], { file: 'two.yaml', repository: 'other.example.org' });
    assert.deepEqual(found(one, other), []);
  });
});
