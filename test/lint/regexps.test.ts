import assert from 'node:assert/strict';
import { findingsIn, lint } from './rules.ts';

const RULE = 'no-super-linear';

describe('regular expressions', () => {
  it('take linear time, whatever the text', async () => {
    assert.deepEqual(await lint('regexps', [RULE], ['wishlist', 'publisher', 'daemon']), []);
  }).timeout(60_000);

  it('are found that do not', async () => {
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
