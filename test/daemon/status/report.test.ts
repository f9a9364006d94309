import assert from 'node:assert/strict';
import type { State } from '../../../daemon/state/state.ts';
import {
  isWell,
  readStatus,
  type RepositoryStatus,
  type StatusReport,
} from '../../../daemon/status/report.ts';
import { lockState } from '../../../daemon/state/state-lock.ts';
import { Failure } from '../../../core/failure.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { emptyReport } from './empty-report.ts';
import { EMPTY_LISTS } from '../../support/whole-lists.ts';
import { openState } from '../../../daemon/state/open-state.ts';

const REPOSITORY = 'images.unpackd.test';
const FAILURE = { code: 'tag-unknown', message: 'test', hint: undefined };

describe('daemon/status/report', () => {
  let directory: string;
  let state: State;

  beforeEach(async () => {
    directory = await temporaryDirectory('status');
    state = await openState(directory, assert.fail);
    await state.repositories.ensure([REPOSITORY]);
  });
  afterEach(async () => {
    await state.close();
  });

  async function wish(...names: readonly string[]): Promise<void> {
    const lines = names.map((name) => `  - '${name}'\n`).join('');
    const recipe = parseRecipe(`version: 1\ncvmfs_repo: '${REPOSITORY}'\ninput:\n${lines}`, 'recipe.yaml');
    await state.wishes.replace(REPOSITORY, (await expandRecipes([recipe], EMPTY_LISTS)).images, 5);
  }

  async function publish(publicName: string, platform = 'linux/amd64'): Promise<void> {
    const layers = [{ digest: 'sha256:a', bytes: 10 }];
    await state.images.put(REPOSITORY, [
      { publicName, platform, image: publicName, config: 'sha256:c', layers, publishedMs: 1 },
    ]);
  }

  async function fail(publicName: string): Promise<void> {
    const times = { startedMs: 1, finishedMs: 2, bytes: 0 };
    const named = { repository: REPOSITORY, publicName, image: publicName, platform: undefined };
    await state.attempts.record({
      ...named,
      ...times,
      failure: new Failure('tag-unknown', 'test'),
      isWhole: true,
    });
  }

  async function one(): Promise<RepositoryStatus | undefined> {
    return (await readStatus(state, directory)).repositories[0];
  }

  it('tells what is published, pending and failing apart', async () => {
    const [published, pending, failing] = [
      'quay.io/a/published:1',
      'quay.io/a/pending:1',
      'quay.io/a/failing:1',
    ];
    await wish(published, pending, failing);
    await publish(published);
    await publish(published, 'linux/arm64');
    await fail(failing);
    const found = await one();
    assert.deepEqual([found?.images, found?.bytes], [2, 20]);
    assert.deepEqual(found?.pending, [{ image: pending, sinceMs: 5 }]);
    assert.deepEqual(
      found?.failing.map(({ image }) => image),
      [failing],
    );
  });

  it('shows an image that is published and fails, as failing only', async () => {
    await wish('quay.io/a/b:1');
    await publish('quay.io/a/b:1');
    await fail('quay.io/a/b:1');
    const found = await one();
    assert.deepEqual([found?.images, found?.pending.length, found?.failing.length], [1, 0, 1]);
  });

  it('shows what nobody asks for any more, and the last publication', async () => {
    await publish('quay.io/a/b:1');
    const [published] = await state.images.published(REPOSITORY);
    assert.ok(published !== undefined);
    const remove = [{ published, reason: 'line gone' as const, sinceMs: 50, dueMs: undefined }];
    await state.images.setPlan(REPOSITORY, {
      add: [],
      update: [],
      unchanged: [],
      unknown: [],
      remove,
      kept: [],
      questions: [],
    });
    for (const revision of [3, 4]) {
      const counts = { images: 1, layers: 1, bytes: 1, error: undefined };
      await state.publications.record({
        repository: REPOSITORY,
        revision,
        startedMs: 1,
        finishedMs: 2,
        ...counts,
      });
    }
    const found = await one();
    assert.deepEqual(
      found?.unwanted.map(({ publicName, unwantedSinceMs }) => [publicName, unwantedSinceMs]),
      [['quay.io/a/b:1', 50]],
    );
    assert.equal(found?.lastPublication?.revision, 4);
  });

  it('knows what is damaged, by paths that can be read', async () => {
    const path = Buffer.from('.flat/caf\u00e9\n').toString('latin1');
    const damage = { kind: 'missing', path, message: 'missing', isOfContent: false };
    const verified = { name: 'quay.io/a/b:1', atMs: 5, isDeep: false, damages: [damage] };
    await state.verifications.record(REPOSITORY, verified);
    assert.deepEqual((await one())?.damaged, [
      {
        name: 'quay.io/a/b:1',
        verifiedMs: 5,
        sinceMs: 5,
        count: 1,
        damages: [{ ...damage, path: '.flat/caf\u00e9\\n', sinceMs: 5 }],
      },
    ]);
  });

  it('knows what was collected', async () => {
    const record = { finishedMs: 7, swept: 1, waiting: 2, nextDueMs: 9, blocked: [], failure: undefined };
    assert.equal((await one())?.collection, undefined);
    await state.collections.record(REPOSITORY, record);
    assert.deepEqual((await one())?.collection, { ...record, failedMs: undefined });
  });

  it('knows whether there is a daemon, and ever was one', async () => {
    const daemon = async (): Promise<unknown[]> => {
      const report = await readStatus(state, directory);
      return [report.daemon, report.isDaemonExpected];
    };
    assert.deepEqual(await daemon(), ['not running', false]);
    const lock = await lockState(directory);
    assert.deepEqual(await daemon(), ['silent', true]);
    lock.release();
    assert.deepEqual(await daemon(), ['not running', true]);
  });

  it('knows how much room is left', async () => {
    const { disk } = await readStatus(state, directory);
    assert.equal(disk?.path, directory);
    assert.ok(disk.freeBytes > 0 && disk.freeBytes <= disk.sizeBytes);
  });

  const ROW = {
    name: REPOSITORY,
    scannedMs: 1,
    pausedSinceMs: undefined,
    failure: undefined,
    failingSinceMs: undefined,
  };
  const WELL: RepositoryStatus = {
    ...ROW,
    images: 1,
    bytes: 1,
    pending: [],
    failing: [],
    suspects: [],
    damaged: [],
    holds: [],
    unwanted: [],
    lastPublication: undefined,
    collection: undefined,
    activity: undefined,
  };
  const DAMAGED = { name: 'a', verifiedMs: 1, sinceMs: 1, count: 1, damages: [] };
  const failing = {
    publicName: 'a',
    image: 'a',
    tries: 1,
    sinceMs: 1,
    nextTryMs: 1,
    failure: FAILURE,
    isPublished: false,
  };
  const source = {
    name: 'lab',
    commit: undefined,
    since: undefined,
    fetchedAt: undefined,
    failingSince: undefined,
  };
  const activity = {
    version: '1',
    pid: 1,
    startedMs: 1,
    isStopping: false,
    spool: { bytes: 0, limitBytes: 1 },
    repositories: [],
  };

  const collection = {
    finishedMs: 1,
    failedMs: undefined,
    swept: 0,
    waiting: 0,
    nextDueMs: undefined,
    blocked: [],
    failure: undefined,
  };

  const cases: [what: string, change: Partial<StatusReport>, isFine: boolean][] = [
    ['a collection', { repositories: [{ ...WELL, collection }] }, true],
    [
      'what holds a collection back',
      { repositories: [{ ...WELL, collection: { ...collection, blocked: ['x'] } }] },
      false,
    ],
    [
      'a collection that failed',
      { repositories: [{ ...WELL, collection: { ...collection, failure: FAILURE } }] },
      false,
    ],
    ['nothing is known', {}, true],
    ['removals wait', { repositories: [{ ...WELL, holds: [{ ...FAILURE, sinceMs: 1 }] }] }, false],
    ['a pattern matches nothing', { unmatched: [{ text: 'a:*', failure: FAILURE }] }, true],
    ['a daemon runs', { daemon: activity, isDaemonExpected: true }, true],
    ['a daemon should run', { isDaemonExpected: true }, false],
    ['a daemon does not answer', { daemon: 'silent', isDaemonExpected: true }, false],
    ['a daemon runs that this user may not ask', { daemon: 'private', isDaemonExpected: true }, true],
    ['the database cannot be written', { troubles: [FAILURE] }, false],
    ['a source is fine', { sources: [{ ...source, failure: undefined }] }, true],
    ['a source fails', { sources: [{ ...source, failure: FAILURE }] }, false],
    ['a line gives no image', { lines: [{ text: 'x', failure: FAILURE }] }, false],
    ['an image is pending', { repositories: [{ ...WELL, pending: [{ image: 'a', sinceMs: 1 }] }] }, true],
    ['an image fails', { repositories: [WELL, { ...WELL, failing: [failing] }] }, false],
    ['an image is damaged', { repositories: [WELL, { ...WELL, damaged: [DAMAGED] }] }, false],
    ['a repository cannot be published in', { repositories: [{ ...WELL, failure: FAILURE }] }, false],
    ['all is paused', { allPausedSinceMs: 1, repositories: [{ ...WELL, pausedSinceMs: 1 }] }, true],
  ];
  for (const [what, change, isFine] of cases) {
    it(`is ${isFine ? '' : 'not '}well where ${what}`, () => {
      assert.equal(isWell({ ...emptyReport(1), ...change }), isFine);
    });
  }
});
