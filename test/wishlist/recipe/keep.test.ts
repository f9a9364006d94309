import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { parseKeep, type Keep } from '../../../wishlist/recipe/settings.ts';

describe('wishlist/recipe/keep', () => {
  const good: [text: string, keep: Keep][] = [
    ['forever', 'forever'],
    ['1d', { days: 1 }],
    ['30d', { days: 30 }],
    ['9999d', { days: 9999 }],
    ['10000d', { days: 10_000 }],
    ['35999d', { days: 35_999 }],
    ['36499d', { days: 36_499 }],
    ['36500d', { days: 36_500 }],
  ];
  for (const [text, keep] of good) {
    it(`is read from ${text}`, () => assert.deepEqual(parseKeep(text), keep));
  }

  const bad = [
    '',
    '0d',
    '01d',
    '36501d',
    '99999d',
    '100000d',
    '30',
    'd',
    '-1d',
    '1.5d',
    '1w',
    '30 d',
    '30D',
    'Forever',
  ];
  for (const text of [...bad, ' 30d', '30d\n', 'never']) {
    it(`is not read from ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseKeep(text),
        (error) => isFailure(error, 'setting-invalid') && error.hint !== undefined,
      );
    });
  }
});
