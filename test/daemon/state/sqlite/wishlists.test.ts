import assert from 'node:assert/strict';
import type { State } from '../../../../daemon/state/state.ts';
import { Failure } from '../../../../core/failure.ts';
import type { SourceState } from '../../../../wishlist/sources/source.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { openState } from '../../../../daemon/state/open-state.ts';

const COMMIT = { hash: 'a'.repeat(40), author: 'Ann "A" Author', date: '2026-01-02T03:04:05+01:00' };
const SINCE = '2026-01-02T03:04:06.000Z';
const LATER = '2026-01-03T00:00:00.000Z';

describe('daemon/state/sqlite/wishlists', () => {
  let state: State;

  beforeEach(async () => {
    state = await openState(await temporaryDirectory('state'), assert.fail);
  });
  afterEach(async () => {
    await state.close();
  });

  const NEVER: SourceState = {
    name: 'lab',
    content: undefined,
    fetchedAt: undefined,
    failure: undefined,
    failingSince: undefined,
  };
  const content = { recipes: [], since: SINCE, commit: undefined };
  const failing = {
    failure: new Failure('source-unreachable', 'no way', { hint: 'wait' }),
    failingSince: LATER,
  };

  const states: [what: string, given: SourceState, found: [unknown, unknown, unknown, unknown, unknown]][] = [
    ['nothing is known of', NEVER, [undefined, undefined, undefined, undefined, undefined]],
    [
      'was read from a commit',
      { ...NEVER, content: { ...content, commit: COMMIT }, fetchedAt: LATER },
      [COMMIT, SINCE, LATER, undefined, undefined],
    ],
    ['has no commits', { ...NEVER, content }, [undefined, SINCE, undefined, undefined, undefined]],
    [
      'fails, and was read before',
      { ...NEVER, content, fetchedAt: SINCE, ...failing },
      [undefined, SINCE, SINCE, 'source-unreachable', LATER],
    ],
  ];
  for (const [what, given, found] of states) {
    it(`keeps one that ${what}`, async () => {
      await state.sources.replace([given]);
      const [row] = await state.sources.all();
      assert.deepEqual(
        [row?.commit, row?.since, row?.fetchedAt, row?.failure?.code, row?.failingSince],
        found,
      );
    });
  }

  it('keeps their order, and nothing of those that went', async () => {
    const named = (...names: readonly string[]): SourceState[] => names.map((name) => ({ ...NEVER, name }));
    for (const names of [['b', 'a', 'c'], ['c', 'b'], []]) {
      await state.sources.replace(named(...names));
      assert.deepEqual(
        (await state.sources.all()).map(({ name }) => name),
        names,
      );
    }
  });

  it('keeps lines that give no image, in their order, without secrets', async () => {
    const failure = new Failure('tag-unknown', 'lab.yaml:4:5: token=SECRETVALUE', {
      hint: 'password=SECRETVALUE',
    });
    const lines = ['quay.io/b:1', 'quay.io/a:*'].map((text) => ({ text, failure }));
    await state.sources.replaceLines(lines);
    const rows = await state.sources.lines();
    assert.deepEqual(
      rows.map((row) => [row.text, row.failure.code]),
      [
        ['quay.io/b:1', 'tag-unknown'],
        ['quay.io/a:*', 'tag-unknown'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(rows), /SECRETVALUE/);
    await state.sources.replaceLines([]);
    assert.deepEqual(await state.sources.lines(), []);
  });
});
