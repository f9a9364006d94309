import assert from 'node:assert/strict';
import { nearest } from '../../core/nearest.ts';

const KEYS = ['root', 'state', 'skip-flat', 'skip-layers', 'batch-size'];

describe('the nearest word', () => {
  const cases = [
    ['rot', 'root'],
    ['stat', 'state'],
    ['skip_flat', 'skip-flat'],
    ['batchsize', 'batch-size'],
    ['orot', 'root'],
    ['root', 'root'],
    ['', undefined],
    ['x', undefined],
    ['schedule', undefined],
  ] as const;
  const swapped = [
    ['wiat', 'wait'],
    ['newset', 'newest'],
  ] as const;
  for (const [word, expected] of swapped) {
    it(`of "${word}", where letters are swapped, is ${expected}`, () =>
      assert.equal(nearest(word, ['wait', 'newest']), expected));
  }

  for (const [word, expected] of cases) {
    it(`of "${word}" is ${String(expected)}`, () => assert.equal(nearest(word, KEYS), expected));
  }
});
