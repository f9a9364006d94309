import assert from 'node:assert/strict';
import { counted } from '../../core/counted.ts';

describe('counted', () => {
  it('has the plural for all numbers but one', () => {
    assert.deepEqual(
      [0, 1, 2, 1_000_000].map((count) => counted(count, 'image')),
      ['0 images', '1 image', '2 images', '1000000 images'],
    );
  });

  it('takes a plural of its own', () => {
    assert.equal(counted(1, 'try', 'tries'), '1 try');
    assert.equal(counted(3, 'try', 'tries'), '3 tries');
  });
});
