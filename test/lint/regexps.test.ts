import assert from 'node:assert/strict';
import { findingsIn } from './rules.ts';

const RULE = 'no-super-linear';

describe('lint/regexps', () => {
  it('finds regular expressions that take more than linear time', async () => {
    const expressions: [expression: string, isFound: boolean][] = [
      ['/^(a+)+$/', true],
      ['/^a*a*$/', true],
      ['/x.*y/', true],
      ['/^x.*y/', false],
      ['/^[a-z]+(?:-[a-z]+)*$/', false],
    ];
    const texts = expressions.map(([expression]) => `export const one = ${expression};`);
    const found = await findingsIn('regexps', [RULE], texts);
    assert.deepEqual(
      expressions.map(([expression], index) => [expression, (found[index] ?? []).length > 0]),
      expressions,
    );
  });
});
