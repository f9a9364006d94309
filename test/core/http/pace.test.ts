import { strict as assert } from 'node:assert';
import { Pace } from '../../../core/http/pace.ts';

/** A window of 1 s, and 100 bytes a second. */
const CASES: readonly (readonly [
  what: string,
  pieces: readonly (readonly [bytes: number, waitedMs: number])[],
  drips: boolean,
])[] = [
  ['much at once', [[1000, 1500]], false],
  ['too little in a window', [[99, 1000]], true],
  ['just enough in a window', [[100, 1000]], false],
  ['too little in a long wait', [[150, 2000]], true],
  ['too little so far, before a window is over', [[1, 999]], false],
  ['drops that add up to too little', Array.from({ length: 10 }, () => [9, 100] as const), true],
  ['drops that add up to enough', Array.from({ length: 30 }, () => [10, 100] as const), false],
  [
    'a burst, then drops: each window counts for itself',
    [[1e6, 1000], ...Array.from({ length: 10 }, () => [1, 100] as const)],
    true,
  ],
  ['pieces that nobody waited for', Array.from({ length: 1000 }, () => [1, 0] as const), false],
];

describe('registry/http/pace', () => {
  for (const [what, pieces, drips] of CASES) {
    it(`${what}: ${drips ? 'drips' : 'goes on'}`, () => {
      const pace = new Pace({ minimumRateBytesPerSecond: 100, windowMs: 1000 });
      const found = pieces.map(([bytes, waitedMs]) => pace.received(bytes, waitedMs));
      assert.equal(
        found.some((drip) => drip !== undefined),
        drips,
      );
      assert.equal(found.at(-1) !== undefined, drips);
    });
  }

  it('says how much came in how long', () => {
    const pace = new Pace({ minimumRateBytesPerSecond: 100, windowMs: 1000 });
    pace.received(3, 600);
    assert.deepEqual(pace.received(4, 500), { bytes: 7, waitedMs: 1100 });
  });
});
