import assert from 'node:assert/strict';
import {
  delayAfterMs,
  isDue,
  type NewAttempt,
  type RecordedImage,
  type State,
} from '../../../../daemon/state/state.ts';
import type { WishedImage } from '../../../../wishlist/meaning/wished-image.ts';
import { expandRecipes } from '../../../../wishlist/meaning/expand.ts';
import { parseRecipe } from '../../../../wishlist/recipe/recipe.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { EMPTY_LISTS } from '../../../support/whole-lists.ts';
import { openState } from '../../../../daemon/state/open-state.ts';

const REPOSITORY = 'images.unpackd.test';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('daemon/state/sqlite/sqlite-state', () => {
  let state: State;

  beforeEach(async () => {
    state = await openState(await temporaryDirectory('state'), assert.fail);
    await state.repositories.ensure([REPOSITORY]);
  });
  afterEach(async () => {
    await state.close();
  });

  describe('attempts', () => {
    const attempt = (finishedMs: number, code?: string, publicName = 'quay.io/lab/tool:1'): NewAttempt => ({
      repository: REPOSITORY,
      publicName,
      platform: undefined,
      image: publicName.replace(/^folder\//, ''),
      startedMs: finishedMs - 5,
      finishedMs,
      bytes: 10,
      failure: code === undefined ? undefined : { code, message: 'token=SECRETVALUE', hint: undefined },
      isWhole: true,
    });
    const failing = async () => [...(await state.attempts.failing(REPOSITORY)).values()];

    it('wait longer after each failure, a day at most', () => {
      assert.deepEqual(
        [1, 2, 3, 9, 10, 1000].map((tries) => delayAfterMs(tries, 'tag-unknown') / MINUTE),
        [5, 10, 20, 1280, 1440, 1440],
      );
    });

    it('wait a quarter of an hour at most where the registry cannot be reached', () => {
      for (const code of ['registry-unreachable', 'registry-timeout', 'dns-failed', 'tls-failed'])
        assert.deepEqual(
          [1, 2, 3, 1000].map((tries) => delayAfterMs(tries, code) / MINUTE),
          [5, 10, 15, 15],
        );
    });

    it('are due at their time, and when the clock was set back', () => {
      const due = [-1, 0, 1, DAY, DAY + 1].map((ms) => isDue({ nextTryMs: 1000 + ms }, 1000));
      assert.deepEqual(due, [true, true, false, false, true]);
    });

    it('are counted until one goes well, without secrets', async () => {
      await state.attempts.record(attempt(1000, 'tag-unknown'));
      await state.attempts.record(attempt(2000, 'unauthorized'));
      const [row] = await failing();
      assert.deepEqual(
        [row?.tries, row?.sinceMs, row?.nextTryMs, row?.failure.code],
        [2, 1000, 2000 + 10 * MINUTE, 'unauthorized'],
      );
      assert.doesNotMatch(row?.failure.message ?? 'SECRETVALUE', /SECRETVALUE/);
      await state.attempts.record({ ...attempt(3000), isWhole: false });
      assert.equal((await failing()).length, 1);
      await state.attempts.record(attempt(4000));
      assert.deepEqual(await failing(), []);
      const all = await state.attempts.of(REPOSITORY, 'quay.io/lab/tool:1', 3);
      assert.deepEqual(
        all.map(({ finishedMs, failure }) => [finishedMs, failure?.code]),
        [
          [4000, undefined],
          [3000, undefined],
          [2000, 'unauthorized'],
        ],
      );
    });

    const names: [what: string, image: string | undefined, count: number][] = [
      ['a reference', 'quay.io/lab/tool:1', 1],
      ['a public name', 'folder/quay.io/lab/tool:1', 1],
      ['all', undefined, 1],
      ['another image', 'quay.io/lab/tool:2', 0],
    ];
    for (const [what, image, count] of names) {
      it(`are tried at once when somebody says so, by ${what}`, async () => {
        await state.attempts.record(attempt(1000, 'tag-unknown', 'folder/quay.io/lab/tool:1'));
        assert.equal(await state.attempts.retry(image, 1500), count);
        assert.equal((await failing())[0]?.nextTryMs, count === 1 ? 1500 : 1000 + 5 * MINUTE);
      });
    }

    it('are forgotten when they are old', async () => {
      await state.attempts.record(attempt(1000, 'tag-unknown'));
      await state.attempts.record(attempt(100 * DAY, 'tag-unknown'));
      await state.prune(100 * DAY);
      assert.equal((await state.attempts.of(REPOSITORY, 'quay.io/lab/tool:1', 9)).length, 1);
      await state.attempts.forget(REPOSITORY, ['quay.io/lab/tool:1']);
      assert.deepEqual(await failing(), []);
    });
  });

  describe('wishes', () => {
    async function images(...lines: readonly string[]): Promise<readonly WishedImage[]> {
      const text = `version: 1\ncvmfs_repo: '${REPOSITORY}'\ninput:\n${lines.map((line) => `  - '${line}'\n`).join('')}`;
      return (await expandRecipes([parseRecipe(text, 'recipe.yaml')], EMPTY_LISTS)).images;
    }
    const rows = async () =>
      (await state.wishes.of(REPOSITORY)).map(({ publicName, line, sinceMs }) => [publicName, line, sinceMs]);

    it('keep since when an image is wanted, also where its line moves', async () => {
      await state.wishes.replace(REPOSITORY, await images('quay.io/a/b:1', 'quay.io/a/c:1'), 1);
      await state.wishes.replace(REPOSITORY, await images('quay.io/a/d:1', 'quay.io/a/b:1'), 2);
      assert.deepEqual(await rows(), [
        ['quay.io/a/b:1', 5, 1],
        ['quay.io/a/d:1', 4, 2],
      ]);
      await state.wishes.replace(REPOSITORY, [], 3);
      assert.deepEqual(await rows(), []);
    });
  });

  describe('images', () => {
    const image = (publicName: string, config: string, publishedMs?: number): RecordedImage => ({
      publicName,
      platform: 'linux/amd64',
      image: publishedMs === undefined ? undefined : publicName,
      config,
      layers: [
        { digest: 'sha256:a', bytes: 5 },
        { digest: 'sha256:a', bytes: 5 },
        { digest: `sha256:${config}`, bytes: 7 },
      ],
      publishedMs,
    });

    it('are what a repository was found to hold, with what is known of those that stay', async () => {
      await state.images.put(REPOSITORY, [image('quay.io/a:1', 'x', 10), image('quay.io/b:1', 'y', 20)]);
      await state.images.replace(REPOSITORY, [image('quay.io/a:1', 'x'), image('quay.io/c:1', 'z')], 30);
      const rows = await state.images.of(REPOSITORY);
      assert.deepEqual(
        rows.map(({ publicName, publishedMs, layers, bytes }) => [publicName, publishedMs, layers, bytes]),
        [
          ['quay.io/a:1', 10, 3, 17],
          ['quay.io/c:1', undefined, 3, 17],
        ],
      );
      assert.equal((await state.repositories.all())[0]?.scannedMs, 30);
    });

    it('remember since when nobody wants them, until somebody does', async () => {
      await state.images.put(REPOSITORY, [image('quay.io/a:1', 'x', 10)]);
      const [published] = await state.images.published(REPOSITORY);
      assert.ok(published !== undefined);
      const nothing = {
        add: [],
        update: [],
        unchanged: [],
        unknown: [],
        remove: [],
        kept: [],
        questions: [],
      };
      await state.images.setPlan(REPOSITORY, {
        ...nothing,
        remove: [{ published, reason: 'line gone', sinceMs: 50, dueMs: undefined }],
      });
      assert.equal((await state.images.published(REPOSITORY))[0]?.unwantedSinceMs, 50);
      const wanted = { publicName: 'quay.io/a:1', keep: 'forever' } as WishedImage;
      await state.images.setPlan(REPOSITORY, {
        ...nothing,
        unchanged: [{ image: wanted, platform: published.platform }],
      });
      const [again] = await state.images.published(REPOSITORY);
      assert.equal(again?.unwantedSinceMs, undefined);
    });
  });

  it('refer to repositories that are known', async () => {
    const unknown = { code: 'ERR', message: 'x', hint: undefined };
    const image = { publicName: 'a', platform: 'linux/amd64', image: undefined, config: 'c', layers: [] };
    await assert.rejects(state.images.put('other.test', [{ ...image, publishedMs: 1 }]), {
      code: 'SQLITE_CONSTRAINT',
    });
    await state.repositories.setFailure('other.test', unknown, 1);
    assert.deepEqual(
      (await state.repositories.all()).map(({ name }) => name),
      [REPOSITORY],
    );
  });

  describe('repositories', () => {
    const one = async () => (await state.repositories.all()).find(({ name }) => name === REPOSITORY);

    it('are paused by name or all together', async () => {
      await state.repositories.pause(REPOSITORY, 5);
      await state.repositories.pause(REPOSITORY, 6);
      await state.repositories.pause(undefined, 7);
      assert.deepEqual([(await one())?.pausedSinceMs, await state.repositories.allPausedSinceMs()], [5, 7]);
      await state.repositories.resume(REPOSITORY);
      assert.deepEqual(
        [(await one())?.pausedSinceMs, await state.repositories.allPausedSinceMs()],
        [undefined, 7],
      );
      await state.repositories.resume(undefined);
      assert.equal(await state.repositories.allPausedSinceMs(), undefined);
    });

    it('remember since when nothing can be published', async () => {
      const busy = { code: 'repository-busy', message: 'somebody', hint: undefined };
      await state.repositories.setFailure(REPOSITORY, busy, 5);
      await state.repositories.setFailure(REPOSITORY, { ...busy, message: 'else' }, 6);
      assert.deepEqual([(await one())?.failure?.message, (await one())?.failingSinceMs], ['else', 5]);
      await state.repositories.setFailure(REPOSITORY, undefined, 7);
      assert.deepEqual([(await one())?.failure, (await one())?.failingSinceMs], [undefined, undefined]);
    });
  });

  it('publications are counted, and forgotten after two years', async () => {
    const publication = {
      repository: REPOSITORY,
      revision: 4,
      startedMs: 0,
      finishedMs: 1,
      images: 2,
      layers: 3,
      bytes: 4,
      error: undefined,
    };
    await state.publications.record(publication);
    await state.publications.record({ ...publication, finishedMs: 800 * DAY, error: 'no' });
    assert.deepEqual(
      (await state.publications.last(REPOSITORY, 9)).map(({ id, error }) => [id, error]),
      [
        [2, 'no'],
        [1, undefined],
      ],
    );
    await state.prune(800 * DAY);
    assert.equal((await state.publications.last(REPOSITORY, 9)).length, 1);
  });
});
