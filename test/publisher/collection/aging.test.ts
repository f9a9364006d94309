import assert from 'node:assert/strict';
import { age, clockDoubt, isOld } from '../../../publisher/collection/aging.ts';
import type { Marks } from '../../../publisher/published/marks.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.parse('2026-12-01T00:00:00Z');
const MINUTE = 60 * 1000;

function marksAt(at: number, since: Readonly<Record<string, number>>): Marks {
  const trees = new Map(Object.entries(since).map(([name, one]) => [name, { since: one, revision: 3 }]));
  return { at, revision: 4, trees };
}

describe('publisher/collection/aging', () => {
  const clocks: readonly (readonly [what: string, lastDays: number, isDoubted: boolean])[] = [
    ['a moment ago', 0, false],
    ['a little more than a week ago', 7.1, false],
    ['eight days ago', 8, false],
    ['more than eight days ago', 8.001, true],
    ['a year ago', 365, true],
    ['a few minutes from now', -(5 * MINUTE) / DAY, false],
    ['tomorrow', -1, true],
    ['in a year', -365, true],
  ];
  for (const [what, lastDays, isDoubted] of clocks) {
    it(`${isDoubted ? 'doubts' : 'believes'} the clock where the last collection was ${what}`, () => {
      const marks = marksAt(NOW - lastDays * DAY, { 'flat/x': 0 });
      const doubt = clockDoubt(marks, { nowMs: NOW });
      assert.equal(doubt !== undefined, isDoubted);
      assert.equal(clockDoubt(marks, { nowMs: NOW, isClockConfirmed: true }), undefined);
      assert.equal(clockDoubt({ ...marks, trees: new Map() }, { nowMs: NOW }), undefined);
      // While something waits, the time of the last collection is kept from being old.
      if (doubt !== undefined) assert.ok(isOld(marks, NOW));
    });
  }

  const looks: readonly (readonly [lastDays: number, sinceDays: number, isDoubted: boolean])[] = [
    [40, 400, false],
    [40, 32, false],
    [40, 31.99, true],
    [40, 0, true],
    [3, -6, false],
    [-1, 400, true],
  ];
  for (const [lastDays, sinceDays, isDoubted] of looks) {
    it(`${isDoubted ? 'doubts' : 'believes'} it ${lastDays} days later, where it was looked at for ${sinceDays} days`, () => {
      const marks = marksAt(NOW - lastDays * DAY, { 'flat/x': 0 });
      const doubt = clockDoubt(marks, { nowMs: NOW, clockSinceMs: NOW - sinceDays * DAY });
      assert.equal(doubt !== undefined, isDoubted);
    });
  }

  it('has no doubt where nothing is marked', () => {
    assert.equal(clockDoubt(undefined, { nowMs: NOW }), undefined);
    assert.equal(isOld(marksAt(0, {}), NOW), false);
  });

  const options = { nowMs: NOW, graceMs: 30 * DAY, revision: 9 };

  it('keeps marks as they are, begins new ones now, and drops the others', () => {
    const before = marksAt(NOW - DAY, { 'flat/old': NOW - 5 * DAY, 'flat/again': NOW - 40 * DAY });
    const { marks, fresh, lifted, due } = age(['flat/old', 'flat/new'], before, options);
    assert.deepEqual(
      [...marks],
      [
        ['flat/old', { since: NOW - 5 * DAY, revision: 3 }],
        ['flat/new', { since: NOW, revision: 9 }],
      ],
    );
    assert.deepEqual([fresh, lifted, [...due]], [['flat/new'], ['flat/again'], []]);
  });

  const ages: readonly (readonly [days: number, isDue: boolean])[] = [
    [29.99, false],
    [30, true],
    [400, true],
    [0, false],
    // Somebody's clock was wrong when the mark was made: it begins now.
    [-100, false],
  ];
  for (const [days, isDue] of ages) {
    it(`takes what was marked ${days} days ago for ${isDue ? 'due' : 'not due'}`, () => {
      const { marks, due } = age(['flat/x'], marksAt(NOW, { 'flat/x': NOW - days * DAY }), options);
      assert.equal(due.has('flat/x'), isDue);
      assert.equal(marks.get('flat/x')?.since, Math.min(NOW, NOW - days * DAY));
    });
  }

  it('writes down no revision where the repository does not count', () => {
    const { marks } = age(['flat/x'], undefined, { ...options, revision: undefined });
    assert.deepEqual(marks.get('flat/x'), { since: NOW, revision: null });
  });
});
