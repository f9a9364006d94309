import assert from 'node:assert/strict';
import { isClockBelieved } from '../../../wishlist/meaning/clock.ts';

const NOW_MS = Date.UTC(2026, 0, 5);
const DAY_MS = 86_400_000;

describe('wishlist/meaning/clock', () => {
  it('believes a clock that was looked at within seven days, whichever way it went', () => {
    const jumps: [days: number | undefined, isBelieved: boolean][] = [
      [undefined, true],
      [0, true],
      [7, true],
      [-7, true],
      [7.1, false],
      [-7.1, false],
      [365, false],
    ];
    for (const [days, isBelieved] of jumps)
      assert.equal(
        isClockBelieved(NOW_MS, days === undefined ? undefined : NOW_MS - days * DAY_MS),
        isBelieved,
        `${days} days`,
      );
  });
});
