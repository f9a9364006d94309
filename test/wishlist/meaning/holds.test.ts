import assert from 'node:assert/strict';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { holdRemovals, type HoldKnowledge } from '../../../wishlist/meaning/holds.ts';
import type { Removal } from '../../../wishlist/meaning/removal.ts';
import type { RefusedImages } from '../../../wishlist/meaning/uncertainty.ts';
import { WISHLIST } from '../../support/all-read.ts';

const NOW_MS = Date.UTC(2026, 0, 5);
const DAY_MS = 86_400_000;
const OTHER_TAG = { include: ['2*'], exclude: [], newest: undefined };

describe('wishlist/meaning/holds', () => {
  const usual: HoldKnowledge = {
    repository: 'x',
    published: 1000,
    limits: { images: 50, percent: 10 },
    isEmptied: () => false,
    refused: [],
    believedMs: undefined,
    nowMs: NOW_MS,
  };

  const cases: [
    what: string,
    count: number,
    known: Partial<HoldKnowledge>,
    part: Partial<Removal>,
    held: string,
  ][] = [
    ['as many as the limit', 50, {}, {}, ''],
    ['more than the limit', 51, {}, {}, 'too-many 51'],
    ['as many as the share', 20, { published: 209 }, {}, ''],
    ['more than the share', 21, { published: 209 }, {}, 'too-many 21'],
    ['five of few images', 5, { published: 6 }, {}, ''],
    ['six of few images', 6, { published: 6 }, {}, 'too-many 6'],
    ['five, where the limit is lower', 5, { limits: { images: 4, percent: 100 } }, {}, 'too-many 5'],
    ['any, where the limit is zero', 1, { limits: { images: 0, percent: 100 } }, {}, 'too-many 1'],
    [
      'what a source asked for that asks for nothing',
      1,
      { isEmptied: (source) => source === WISHLIST },
      {},
      'source-emptied 1',
    ],
    ['what a source asks for in a line that is refused', 1, { refused: [refused({})] }, {}, 'line-refused 1'],
    ['what only another source asks for so', 1, { refused: [refused({ source: 'other' })] }, {}, ''],
    ['what is refused in another repository', 1, { refused: [refused({ repositories: ['y'] })] }, {}, ''],
    ['other tags than those that are refused', 1, { refused: [refused({ selection: OTHER_TAG })] }, {}, ''],
    ['what a source asked for that is gone', 1, {}, { reason: 'source gone' }, 'source-dropped 1'],
    ['anything, while the clock is not believed', 1, { believedMs: 0 }, {}, 'clock-jumped 1'],
    ['nothing, while the clock is not believed', 0, { believedMs: 0 }, {}, 'clock-jumped 0'],
    ['many that are not due', 99, {}, { dueMs: NOW_MS + 1 }, ''],
    ['many that never go', 99, {}, { dueMs: undefined }, ''],
  ];
  for (const [what, count, known, part, held] of cases) {
    it(`${held === '' ? 'lets' : 'holds'} ${what}`, () => {
      const removals = Array.from({ length: count }, () => removal(part));
      const { due, holds } = holdRemovals(removals, { ...usual, ...known });
      assert.equal(holds.map((hold) => `${hold.code} ${hold.removals.length}`).join(), held);
      const isDue = part.dueMs === undefined ? !('dueMs' in part) : part.dueMs <= NOW_MS;
      assert.equal(due.length, held === '' && isDue ? count : 0);
    });
  }

  it('lets go what was confirmed, which counts for no limit', () => {
    const confirmed = Array.from({ length: 60 }, () => removal({}, true));
    const others = Array.from({ length: 50 }, () => removal({}));
    const { due, holds } = holdRemovals([...confirmed, ...others], usual);
    assert.deepEqual([due.length, holds], [110, []]);
    const emptied = holdRemovals([...confirmed, ...others], { ...usual, isEmptied: () => true });
    assert.deepEqual([emptied.due, emptied.holds.map(({ code }) => code)], [confirmed, ['source-emptied']]);
  });

  it('counts only what nothing else holds', () => {
    const dropped = Array.from({ length: 50 }, () => removal({ reason: 'source gone' }));
    const others = Array.from({ length: 50 }, () => removal({}));
    const { due, holds } = holdRemovals([...dropped, ...others], usual);
    assert.deepEqual([due, holds.map(({ code }) => code)], [others, ['source-dropped']]);
  });

  it('says the same each time, and what to do', () => {
    for (const nowMs of [NOW_MS, NOW_MS + DAY_MS]) {
      const { holds } = holdRemovals([removal({})], { ...usual, believedMs: 0, nowMs });
      assert.match(holds[0]?.message ?? '', /more than 7 days from 1970-01-01/);
      assert.match(holds[0]?.hint ?? '', /unpackd remove --held x/);
    }
  });
});

function refused(part: Partial<RefusedImages>): RefusedImages {
  const image = { image: 'quay.io/a', inAnySubdirectory: false, selection: undefined };
  return { ...image, repositories: ['x'], source: WISHLIST, ...part };
}

function removal(part: Partial<Removal>, isConfirmed = false): Removal {
  const published = {
    publicName: 'quay.io/a:1',
    platform: LINUX_AMD64,
    digest: 'sha256:1',
    keep: undefined,
    unwantedSinceMs: undefined,
    askedBy: [WISHLIST],
    isConfirmed,
  };
  return { published, reason: 'line gone', sinceMs: 1, dueMs: NOW_MS, ...part };
}
