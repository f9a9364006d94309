import assert from 'node:assert/strict';
import { NumberSet } from '../../../publisher/packed/column.ts';

describe('publisher/packed/number-set', () => {
  it('has what was added, each once', () => {
    const set = new NumberSet();
    const numbers = [0, 1, 31, 32, 33, 63, 1_000_000];
    for (const number of numbers) assert.equal(set.add(number), true);
    for (const number of numbers) {
      assert.ok(set.has(number));
      assert.equal(set.add(number), false);
    }
    for (const number of [2, 30, 34, 62, 64, 999_999, 1_000_001]) assert.ok(!set.has(number));
    assert.equal(set.size, numbers.length);
  });
});
