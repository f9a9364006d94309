import { strict as assert } from 'node:assert';
import { goneSinceMs, recordAbsence, type Absence } from '../../../wishlist/meaning/absence.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);

/** Sightings by the hour of the clock: `seen`, or absent. */
type Step = readonly [hour: number, sighting: 'seen' | 'absent'];

interface Case {
  readonly what: string;
  readonly steps: readonly Step[];
  /** The hour since when it counts as gone; `undefined` while it does not. */
  readonly since: number | undefined;
}

const CASES: readonly Case[] = [
  { what: 'nothing', steps: [], since: undefined },
  { what: 'one absence', steps: [[0, 'absent']], since: undefined },
  {
    what: 'two absences at once',
    steps: [
      [0, 'absent'],
      [0, 'absent'],
    ],
    since: undefined,
  },
  {
    what: 'two absences nearly a day apart',
    steps: [
      [0, 'absent'],
      [23.99, 'absent'],
    ],
    since: undefined,
  },
  {
    what: 'two absences a day apart',
    steps: [
      [0, 'absent'],
      [24, 'absent'],
    ],
    since: 0,
  },
  {
    what: 'many absences',
    steps: [
      [1, 'absent'],
      [2, 'absent'],
      [24, 'absent'],
      [25, 'absent'],
      [50, 'absent'],
    ],
    since: 1,
  },
  {
    what: 'one absence, and nothing known for a long time',
    steps: [
      [0, 'absent'],
      [900, 'absent'],
    ],
    since: 0,
  },
  {
    what: 'a sighting in between',
    steps: [
      [0, 'absent'],
      [12, 'seen'],
      [24, 'absent'],
    ],
    since: undefined,
  },
  {
    what: 'a sighting in between, and a day after it',
    steps: [
      [0, 'absent'],
      [12, 'seen'],
      [24, 'absent'],
      [48, 'absent'],
    ],
    since: 24,
  },
  {
    what: 'a sighting in the end',
    steps: [
      [0, 'absent'],
      [24, 'absent'],
      [25, 'seen'],
    ],
    since: undefined,
  },
  { what: 'only a sighting', steps: [[0, 'seen']], since: undefined },
  {
    what: 'a clock that goes back for the second',
    steps: [
      [48, 'absent'],
      [0, 'absent'],
    ],
    since: undefined,
  },
  {
    what: 'a clock that was ahead for the first',
    steps: [
      [8760, 'absent'],
      [1, 'absent'],
      [24, 'absent'],
    ],
    since: undefined,
  },
  {
    what: 'a clock that was ahead for the first, and a day after',
    steps: [
      [8760, 'absent'],
      [1, 'absent'],
      [25, 'absent'],
    ],
    since: 1,
  },
  {
    what: 'a clock that was ahead for the second',
    steps: [
      [0, 'absent'],
      [8760, 'absent'],
      [1, 'absent'],
    ],
    since: undefined,
  },
  {
    what: 'a clock that was ahead after it was gone',
    steps: [
      [0, 'absent'],
      [24, 'absent'],
      [8760, 'absent'],
      [25, 'absent'],
    ],
    since: undefined,
  },
];

describe('wishlist/meaning/absence', () => {
  for (const { what, steps, since } of CASES) {
    it(`${what}: ${since === undefined ? 'not gone' : `gone since hour ${since}`}`, () => {
      let absence: Absence | undefined;
      for (const [hour, sighting] of steps)
        absence = recordAbsence(absence, sighting, START_MS + hour * HOUR_MS);
      const sinceMs = absence && goneSinceMs(absence);
      assert.equal(sinceMs, since === undefined ? undefined : START_MS + since * HOUR_MS);
    });
  }
});
