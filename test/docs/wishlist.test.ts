import assert from 'node:assert/strict';
import { formatPlatform } from '../../wishlist/platform.ts';
import { formatProblem } from '../../wishlist/problem.ts';
import { parseRecipe } from '../../wishlist/recipe.ts';
import { codeBlocks, section, textOf } from './project.ts';

describe('docs/wishlist.md', () => {
  const text = textOf('docs/wishlist.md');

  it('has a recipe without a mistake', () => {
    const [recipe = ''] = codeBlocks(section(text, 'Recipe version 1'), 'yaml');
    const { wishes, problems } = parseRecipe(recipe, 'recipe.yaml');
    assert.deepEqual([wishes.length, problems], [3, []]);
  });

  it('has platforms as recipes may name them', () => {
    const [recipe = ''] = codeBlocks(section(text, 'Platforms'), 'yaml');
    const { defaults, wishes, problems } = parseRecipe(recipe, 'recipe.yaml');
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [defaults.platforms, ...wishes.map(({ settings }) => settings.platforms)].map((list) =>
        list?.map(formatPlatform),
      ),
      [['linux/amd64', 'linux/arm64'], undefined, ['linux/arm64'], ['linux/amd64', 'linux/arm/v7']],
    );
  });

  it('quotes what is said to mistakes', () => {
    const mistakes = section(text, 'Frequent mistakes');
    const [recipe = ''] = codeBlocks(mistakes, 'yaml');
    const [said = ''] = codeBlocks(mistakes, 'text');
    const { problems } = parseRecipe(recipe, 'recipe.yaml');
    const lines = problems.map((problem) => formatProblem('recipe.yaml', problem));
    assert.deepEqual(said.trimEnd().split('\n').slice(0, -1), lines);
    assert.ok(lines.length > 5);
  });
});
