import assert from 'node:assert/strict';
import type { CollectionRecord } from '../../../../daemon/state/collections.ts';
import { openState } from '../../../../daemon/state/open-state.ts';
import type { State } from '../../../../daemon/state/state.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const REPOSITORY = 'images.unpackd.test';
const DONE: CollectionRecord = {
  finishedMs: 1000,
  swept: 3,
  waiting: 2,
  nextDueMs: 5000,
  blocked: ['.metadata/x: it cannot be read'],
  failure: undefined,
};
const FAILURE = { code: 'gc-failed', message: 'it failed', hint: 'look' };

describe('daemon/state/sqlite/collections', () => {
  let state: State;
  beforeEach(async () => {
    state = await openState(await temporaryDirectory('state'), assert.fail);
  });
  afterEach(async () => await state.close());

  it('knows nothing before the first', async () => {
    assert.equal(await state.collections.last(REPOSITORY), undefined);
  });

  it('remembers the last one of each repository', async () => {
    await state.collections.record(REPOSITORY, { ...DONE, swept: 7, nextDueMs: undefined, failure: FAILURE });
    await state.collections.record(REPOSITORY, DONE);
    await state.collections.record('other.unpackd.test', { ...DONE, blocked: [] });
    assert.deepEqual(await state.collections.last(REPOSITORY), { ...DONE, failedMs: undefined });
    assert.deepEqual((await state.collections.last('other.unpackd.test'))?.blocked, []);
  });

  it('remembers why one failed, beside what is known of the one before', async () => {
    await state.collections.fail(REPOSITORY, FAILURE, 500);
    const first = await state.collections.last(REPOSITORY);
    assert.deepEqual([first?.finishedMs, first?.failure, first?.failedMs], [undefined, FAILURE, 500]);
    await state.collections.record(REPOSITORY, DONE);
    await state.collections.fail(REPOSITORY, { ...FAILURE, hint: undefined }, 2000);
    const last = { ...DONE, failure: { ...FAILURE, hint: undefined }, failedMs: 2000 };
    assert.deepEqual(await state.collections.last(REPOSITORY), last);
  });

  it('keeps only some reasons', async () => {
    const blocked = Array.from({ length: 100 }, (_, index) => `path ${index}`);
    await state.collections.record(REPOSITORY, { ...DONE, blocked });
    assert.deepEqual((await state.collections.last(REPOSITORY))?.blocked, blocked.slice(0, 20));
  });
});
