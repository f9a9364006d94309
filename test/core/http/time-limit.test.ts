import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { TimeLimit, ThroughputFloor } from '../../../core/http/time-limit.ts';

describe('core/http/time-limit', () => {
  it('ends while it runs', async () => {
    const limit = new TimeLimit(1);
    const ended = once(limit.signal, 'abort');
    limit.resume();
    limit.resume();
    await ended;
    assert.equal(limit.isOver, true);
  });

  it('does not end before it was begun, nor while it pauses', async () => {
    const fresh = new TimeLimit(0);
    const paused = new TimeLimit(1);
    paused.resume();
    paused.pause();
    paused.pause();
    const later = new TimeLimit(5);
    const ended = once(later.signal, 'abort');
    later.resume();
    await ended;
    assert.deepEqual([fresh.isOver, paused.isOver], [false, false]);
  });

  it('goes on after a pause', async () => {
    const limit = new TimeLimit(2);
    limit.resume();
    limit.pause();
    const ended = once(limit.signal, 'abort');
    limit.resume();
    await ended;
  });
});

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

describe('core/http/time-limit', () => {
  for (const [what, pieces, drips] of CASES) {
    it(`${what}: ${drips ? 'drips' : 'goes on'}`, () => {
      const pace = new ThroughputFloor({ minimumRateBytesPerSecond: 100, windowMs: 1000 });
      const found = pieces.map(([bytes, waitedMs]) => pace.received(bytes, waitedMs));
      assert.equal(
        found.some((drip) => drip !== undefined),
        drips,
      );
      assert.equal(found.at(-1) !== undefined, drips);
    });
  }

  it('says how much came in how long', () => {
    const pace = new ThroughputFloor({ minimumRateBytesPerSecond: 100, windowMs: 1000 });
    pace.received(3, 600);
    assert.deepEqual(pace.received(4, 500), { bytes: 7, waitedMs: 1100 });
  });
});
