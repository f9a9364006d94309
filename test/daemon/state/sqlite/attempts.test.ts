import assert from 'node:assert/strict';
import type { Run, State, UnderWay } from '../../../../daemon/state/state.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { openState } from '../../../../daemon/state/open-state.ts';

const REPOSITORY = 'images.unpackd.test';
const HERE = '/spool';

describe('daemon/state/sqlite/attempts', () => {
  let state: State;
  beforeEach(async () => {
    state = await openState(await temporaryDirectory('state'), assert.fail);
  });
  afterEach(async () => {
    await state.close();
  });

  function work(name: string, digest?: string, stage = 'fetching', repository = REPOSITORY): UnderWay {
    return { repository, publicName: name, image: `quay.io/${name}`, digest, stage };
  }

  const run = (id: string, spool = HERE): Run => ({ id, spool });

  async function die(id: string, ...rows: readonly UnderWay[]): Promise<void> {
    await state.deaths.note(run(id), rows, []);
  }

  async function counted(nowMs = 1): Promise<string[]> {
    const deaths = await state.deaths.count(run('now'), nowMs);
    return deaths.map(
      ({ publicName, count, isAlone, digest = '?' }) =>
        `${publicName} ${digest} ${count}${isAlone ? ' alone' : ''}`,
    );
  }

  it('counts what was under way in runs that are gone, once', async () => {
    await die('one', work('a', 'd1'), work('b', undefined, 'looking'), work('c'));
    await state.deaths.note(run('one'), [work('d')], [work('c'), work('d', undefined, 'composing')]);
    assert.deepEqual((await counted()).sort(), ['a d1 1', 'b ? 1', 'd ? 1']);
    assert.deepEqual(await counted(), []);
    await die('two', work('a', 'd2'));
    assert.deepEqual(await counted(7), ['a d2 2 alone']);
    const death = (await state.deaths.of(REPOSITORY)).get('a');
    assert.deepEqual([death?.digest, death?.stage, death?.lastMs], ['d2', 'fetching', 7]);
    assert.equal((await state.deaths.of('other.test')).size, 0);
  });

  it('counts an image once that died for two platforms, and is alone then', async () => {
    await die('one', work('a', 'd1'), work('a', 'd2'));
    assert.deepEqual(
      (await counted()).map((text) => text.replace(/d[12]/, 'd')),
      ['a d 1 alone'],
    );
  });

  it('does not count what this run has under way, nor runs with another spool or an orderly end', async () => {
    await die('now', work('a'));
    await state.deaths.note(run('elsewhere', '/other'), [work('b')], []);
    await die('ended', work('c'));
    await state.deaths.end(run('ended'));
    assert.deepEqual(await counted(), []);
    const other = await state.deaths.count(run('later', '/other'), 1);
    assert.deepEqual(
      other.map(({ publicName }) => publicName),
      ['b'],
    );
  });

  it('forgets what went well, and what is old; who says "retry" makes it the first time again', async () => {
    for (const id of ['one', 'two', 'three']) {
      await die(id, work('a', 'd'), work('b'), work('c'));
      await counted();
    }
    const counts = async (): Promise<Record<string, number>> =>
      Object.fromEntries([...(await state.deaths.of(REPOSITORY))].map(([name, { count }]) => [name, count]));
    await state.deaths.retry('quay.io/a');
    await state.deaths.forget(REPOSITORY, ['c']);
    assert.deepEqual(await counts(), { a: 1, b: 3 });
    await state.deaths.retry(undefined);
    assert.deepEqual(await counts(), { a: 1, b: 1 });
    await die('four', work('a', 'd'));
    await state.deaths.retry(undefined);
    await counted();
    assert.deepEqual(await counts(), { a: 1, b: 1 }, 'also where the last death is counted later');
    await state.prune(5 + 90 * 86_400_000);
    assert.deepEqual(await counts(), {});
  });
});
