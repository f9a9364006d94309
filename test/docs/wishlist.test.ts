import assert from 'node:assert/strict';
import { formatPlatform } from '../../core/oci/platform.ts';
import { formatProblem } from '../../wishlist/recipe/problem.ts';
import { parseRecipe } from '../../wishlist/recipe/recipe.ts';
import { RECIPE_KEYS } from '../../wishlist/recipe/recipe-reader.ts';
import { WISH_KEYS } from '../../wishlist/recipe/wish.ts';
import { parseTagPattern, tagMatcher } from '../../wishlist/tags/tag-entry.ts';
import { codeBlocks, section, tableRows, textOf } from './project.ts';

/** For a `|` that is no border of a cell. */
const BAR = '\u{1f}';

describe('docs/wishlist', () => {
  const text = textOf('docs/wishlist.md');

  it('has a recipe without a mistake', () => {
    const [recipe = ''] = codeBlocks(section(text, 'Recipe version 1'), 'yaml');
    const { wishes, problems } = parseRecipe(recipe, 'recipe.yaml');
    assert.deepEqual([wishes.length, problems], [3, []]);
  });

  it('has a recipe of version 2 without a mistake', () => {
    const [recipe = ''] = codeBlocks(section(text, 'Recipe version 2'), 'yaml');
    const { wishes, problems, repositories } = parseRecipe(recipe, 'recipe.yaml');
    assert.deepEqual([repositories.length, wishes.length, problems], [2, 4, []]);
  });

  it('names every setting, and every key of recipes and wishes', () => {
    const keys = tableRows(section(text, 'Recipe version 2')).map(({ key }) => key);
    const others = new Set<string>(['user', 'cvmfs_repo', 'output_format']);
    const known = [...RECIPE_KEYS[2], ...WISH_KEYS[2]].filter((key) => !others.has(key));
    assert.deepEqual([...new Set(keys)].sort(), [...new Set(known)].sort());
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

  it('has patterns that match what it says, and not what it says not', () => {
    const rows = tableRows(section(text, 'Patterns').replaceAll('\\|', BAR));
    assert.ok(rows.length > 15);
    for (const { key, cells } of rows) {
      const pattern = parseTagPattern(key.replaceAll(BAR, '|'));
      const [matching, others] = cells.slice(1).map(codesIn);
      assert.ok(matching?.length && others?.length, pattern);
      assert.deepEqual([...others, ...matching].filter(tagMatcher(pattern)), matching, pattern);
    }
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

function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}
