import assert from 'node:assert/strict';
import { failedLines } from '../../../daemon/output/recipe-lines.ts';
import { Failure } from '../../../core/failure.ts';
import { expandRecipes, type ListTags } from '../../../wishlist/meaning/expand.ts';
import { parseRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';

const DEAD: ListTags = async () =>
  await Promise.reject(new Failure('registry-unreachable', 'no answer', { hint: 'wait' }));

function recipe(file: string, lines: number): Recipe {
  const items = Array.from({ length: lines }, (_, index) => `  - 'quay.io/a${index % 3}:${index}*'\n`);
  return parseRecipe(`version: 1\ncvmfs_repo: x\ninput:\n${items.join('')}`, file);
}

describe('daemon/output/recipe-lines', () => {
  it('has 1,000 lines of a recipe whose registry does not answer, and how many there are beside', async () => {
    const recipes = [recipe('many', 1200), recipe('few', 1)];
    const lines = failedLines(recipes, await expandRecipes(recipes, DEAD));
    assert.equal(lines.length, 1002);
    assert.match(lines[1000]?.failure.message ?? '', /^many:1004: so do 200 further lines/);
    assert.equal(lines[1000]?.failure.code, 'registry-unreachable');
    assert.match(lines[1001]?.failure.message ?? '', /^few:4: no answer/);
  });
});
