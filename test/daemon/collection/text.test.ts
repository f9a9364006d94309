import assert from 'node:assert/strict';
import { collectionText, type CollectionSummary } from '../../../daemon/collection/text.ts';
import type { CollectionReport } from '../../../publisher/collection/report.ts';

const NOTHING: CollectionReport = {
  marked: [],
  unmarked: [],
  swept: [],
  waiting: [],
  notOurs: [],
  blocked: [],
  publications: 0,
};

function textOf(report: Partial<CollectionReport>, more: Partial<CollectionSummary> = {}): string[] {
  const summary = { repository: 'x.org', isDryRun: false, storage: 'kept', failure: undefined } as const;
  return collectionText({ ...summary, report: { ...NOTHING, ...report }, ...more }).split('\n');
}

describe('daemon/collection/text', () => {
  it('is one line where there is nothing to do', () => {
    assert.deepEqual(textOf({}), ['x.org: 0 trees taken away; none waits', '']);
  });

  it('counts what is too much to list', () => {
    const swept = Array.from({ length: 1000 }, (_, index) => `layers/${index}`);
    const lines = textOf({ swept });
    assert.deepEqual(
      [lines.length, lines[20], lines[21]],
      [23, '  gone       layers/19', '  and 980 more: see --json'],
    );
  });

  it('lists what was marked now once', () => {
    const waiting = ['layers/a', 'layers/b'].map((name) => ({ name, since: 0, due: 1 }));
    const lines = textOf({ marked: ['layers/b'], waiting });
    assert.equal(lines.filter((line) => line.includes('layers/b')).length, 1);
    assert.match(lines.join('\n'), /waiting {4}layers\/a, until 1970-/);
  });

  it('shows a stranger\u2019s path without what terminals act on', () => {
    const [, line] = textOf({ notOurs: [{ path: '.layers/\u001b[2J', why: 'x' }] });
    assert.equal(line?.includes('\u001b'), false);
  });

  it('says what to do about what holds others', () => {
    const text = textOf({ blocked: [{ path: 'p', why: 'w' }] }, { storage: 'failed' }).join('\n');
    assert.match(text, / {2}held {7}p: w\nwhat is held stays.*\nthe server has not freed the storage\n/);
  });
});
