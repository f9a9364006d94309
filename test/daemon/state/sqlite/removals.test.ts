import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openState } from '../../../../daemon/state/open-state.ts';
import { MIGRATIONS } from '../../../../daemon/state/sqlite/migrations.ts';
import { openDatabase } from '../../../../daemon/state/sqlite/open-database.ts';
import { openSqliteState } from '../../../../daemon/state/sqlite/sqlite-state.ts';
import type { State } from '../../../../daemon/state/state.ts';
import type { HoldCode } from '../../../../wishlist/meaning/holds.ts';
import type { Keep } from '../../../../wishlist/recipe/settings.ts';
import type { PublishedImage } from '../../../../wishlist/meaning/plan.ts';
import { expandRecipes } from '../../../../wishlist/meaning/expand.ts';
import { parseRecipe } from '../../../../wishlist/recipe/recipe.ts';
import { EMPTY_LISTS } from '../../../support/whole-lists.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const REPOSITORY = 'images.unpackd.test';
const [A, B] = ['quay.io/a:1', 'quay.io/b:1'];
const DAY_MS = 86_400_000;
const NOTHING = { add: [], update: [], unchanged: [], unknown: [], remove: [], kept: [], questions: [] };

const nobody = (): ReadonlySet<string> => new Set();

describe('daemon/state/sqlite/removals', () => {
  let state: State;

  beforeEach(async () => {
    state = await openState(await temporaryDirectory('state'), assert.fail);
    await state.repositories.ensure([REPOSITORY]);
  });
  afterEach(async () => {
    await state.close();
  });

  const askers: [what: string, steps: [read: string, asking: string][], expected: string][] = [
    ['the source that asks', [['git', 'git']], 'git'],
    [
      'all sources that ask',
      [
        ['git', 'git'],
        ['web git', 'web'],
        ['web git', 'git web'],
      ],
      'git web',
    ],
    [
      'a source that was not read',
      [
        ['git web', 'git web'],
        ['web', 'web'],
      ],
      'git web',
    ],
    [
      'no source any more that asks for other images',
      [
        ['git web', 'git web'],
        ['git web', 'web'],
      ],
      'web',
    ],
    [
      'the last source that asked',
      [
        ['git', 'git'],
        ['git', ''],
        ['git web', ''],
      ],
      'git',
    ],
    [
      'the last sources that asked, together',
      [
        ['git web', 'git web'],
        ['git web', ''],
      ],
      'git web',
    ],
    [
      'no source that is no longer configured, where another one asks',
      [
        ['former', 'former'],
        ['git', 'git'],
        ['git', ''],
      ],
      'git',
    ],
    [
      'a recipe that was not read now',
      [
        ['/recipe.yaml', '/recipe.yaml'],
        ['git', 'git'],
      ],
      '/recipe.yaml git',
    ],
    ['nobody, where nobody ever asked', [['git', '']], ''],
  ];
  for (const [what, steps, expected] of askers) {
    it(`remember ${what}`, async () => {
      const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
      for (const [read, asking] of steps)
        await state.removals.noteAskers(
          REPOSITORY,
          new Map([[A, { sources: words(asking), keep: undefined }]]),
          { read: new Set(words(read)), configured: new Set(['git', 'web']) },
          nobody,
        );
      assert.deepEqual((await state.removals.askers(REPOSITORY)).get(A)?.sources ?? [], words(expected));
      await publish(state, A, B);
      const published = await state.images.published(REPOSITORY);
      assert.deepEqual(
        published.map(({ publicName, askedBy }) => [publicName, askedBy]),
        [
          [A, words(expected)],
          [B, []],
        ],
      );
    });
  }

  it('remember the longest time for which an image is to be kept', async () => {
    const note = async (source: string, keep: Keep | undefined): Promise<void> =>
      await state.removals.noteAskers(
        REPOSITORY,
        new Map([[A, { sources: [source], keep }]]),
        { read: new Set([source]), configured: undefined },
        nobody,
      );
    await publish(state, A);
    const kept = async () => (await state.images.published(REPOSITORY))[0]?.keep;
    const steps: [source: string, keep: Keep | undefined, expected: Keep | undefined][] = [
      ['git', undefined, undefined],
      ['git', { days: 3 }, { days: 3 }],
      ['web', { days: 2 }, { days: 3 }],
      ['web', 'forever', 'forever'],
      ['web', undefined, { days: 3 }],
    ];
    for (const [source, keep, expected] of steps) {
      await note(source, keep);
      assert.deepEqual(await kept(), expected);
    }
  });

  it('remember since when a tag is absent, until it is seen', async () => {
    const note = async (day: number, absent: string[], seen: string[] = []): Promise<void> =>
      await state.removals.noteTags(
        REPOSITORY,
        { absent: new Set(absent), seen: new Set(seen) },
        day * DAY_MS,
      );
    await note(1, [A, B]);
    await note(2, [A], [B]);
    assert.deepEqual(
      [...(await state.removals.absences(REPOSITORY))],
      [[A, { firstMs: DAY_MS, lastMs: 2 * DAY_MS }]],
    );
    await note(3, [B], [A]);
    assert.deepEqual(
      [...(await state.removals.absences(REPOSITORY))],
      [[B, { firstMs: 3 * DAY_MS, lastMs: 3 * DAY_MS }]],
    );
    assert.equal((await state.removals.absences('other.test')).size, 0);
  });

  it('remember holds and since when each holds', async () => {
    const hold = (code: HoldCode) => ({ code, message: `${code} holds`, hint: 'confirm it' });
    await state.removals.replaceHolds(REPOSITORY, [hold('too-many')], 1);
    await state.removals.replaceHolds(REPOSITORY, [hold('source-emptied'), hold('too-many')], 2);
    const held = async () => (await state.removals.holds(REPOSITORY)).map((one) => [one.code, one.sinceMs]);
    assert.deepEqual(await held(), [
      ['too-many', 1],
      ['source-emptied', 2],
    ]);
    await state.removals.replaceHolds(REPOSITORY, [hold('source-emptied')], 3);
    assert.deepEqual(await held(), [['source-emptied', 2]]);
  });

  it('are confirmed for what is held, until that is wanted again', async () => {
    await publish(state, A, B);
    const confirmed = async (): Promise<boolean[]> =>
      (await state.images.published(REPOSITORY)).map(({ isConfirmed }) => isConfirmed);
    await plan(state, [A, 'too-many'], [B, undefined]);
    await state.removals.replaceHolds(REPOSITORY, [{ code: 'too-many', message: 'm', hint: 'h' }], 1);
    assert.equal((await state.removals.confirm(REPOSITORY, 5)).length, 1);
    assert.deepEqual(await confirmed(), [true, false]);
    assert.deepEqual(
      [await state.removals.holds(REPOSITORY), await state.removals.clockMs()],
      [[], undefined],
    );
    await want(state, A);
    assert.deepEqual(await confirmed(), [false, false]);
  });

  it('believe a clock that is confirmed, and judge anew what it held', async () => {
    await state.removals.setClock(1);
    await publish(state, A);
    await plan(state, [A, 'clock-jumped']);
    await state.removals.replaceHolds(REPOSITORY, [{ code: 'clock-jumped', message: 'm', hint: 'h' }], 1);
    await state.removals.confirm(REPOSITORY, 5);
    assert.deepEqual([await state.removals.clockMs(), await state.removals.clockSinceMs()], [5, 5]);
    assert.equal((await state.images.published(REPOSITORY))[0]?.isConfirmed, false);
  });

  it('show why and when an image goes, and no longer once that is not sure or it is wanted', async () => {
    await publish(state, A);
    const shown = async () => {
      const [one] = await state.images.of(REPOSITORY);
      return [one?.unwantedSinceMs, one?.reason, one?.dueMs, one?.hold];
    };
    await plan(state, [A, 'too-many']);
    assert.deepEqual(await shown(), [1, 'line gone', 2, 'too-many']);
    const [published] = await state.images.published(REPOSITORY);
    assert.ok(published !== undefined);
    const unknown = [{ ...published, image: undefined, published }];
    await state.images.setPlan(REPOSITORY, { ...NOTHING, unknown });
    assert.deepEqual(await shown(), [1, undefined, undefined, undefined]);
    const again = unknown.map((one) => ({ ...one, published: { ...published, unwantedSinceMs: undefined } }));
    await state.images.setPlan(REPOSITORY, { ...NOTHING, unknown: again });
    assert.deepEqual(await shown(), [undefined, undefined, undefined, undefined]);
    await plan(state, [A, undefined]);
    await want(state, A);
    assert.deepEqual(await shown(), [undefined, undefined, undefined, undefined]);
  });

  it('leave nothing of an image that is removed, but its other platforms', async () => {
    await publish(state, A, B);
    await state.images.remove(REPOSITORY, [
      { publicName: A, platform: 'linux/amd64' },
      { publicName: B, platform: 'linux/arm64' },
    ]);
    assert.deepEqual(
      (await state.images.of(REPOSITORY)).map(({ publicName }) => publicName),
      [B],
    );
  });

  it('are forgotten of what is neither wished nor published', async () => {
    const asked = { sources: ['git'], keep: undefined };
    const names = [A, B, 'quay.io/c:1'];
    await state.removals.noteAskers(
      REPOSITORY,
      new Map(names.map((name) => [name, asked])),
      { read: new Set(['git']), configured: undefined },
      nobody,
    );
    await publish(state, A);
    const { images } = await expandRecipes(
      [parseRecipe(`version: 1\ncvmfs_repo: ${REPOSITORY}\ninput: ['${B}']`, 'recipe.yaml')],
      EMPTY_LISTS,
    );
    await state.wishes.replace(REPOSITORY, images, 1);
    await state.removals.noteTags(REPOSITORY, { absent: new Set([A]), seen: new Set() }, DAY_MS);
    await state.prune(2 * DAY_MS);
    assert.deepEqual([...(await state.removals.askers(REPOSITORY)).keys()], [A, B]);
    assert.equal((await state.removals.absences(REPOSITORY)).size, 1);
    await state.prune(200 * DAY_MS);
    assert.equal((await state.removals.absences(REPOSITORY)).size, 0);
  });

  it('begin, in a state of before, with the sources that ask', async () => {
    const path = join(await temporaryDirectory('state'), 'unpackd.db');
    const before = await openDatabase(path, { warn: assert.fail, migrations: MIGRATIONS.slice(0, 2) });
    await before.alone(async (statements) => {
      await statements.script(`
        INSERT INTO repositories (name) VALUES ('${REPOSITORY}');
        INSERT INTO wishes VALUES ('${REPOSITORY}', '${A}', 0, '${A}', 'git', 'f', 1, NULL, 1);
        INSERT INTO wishes VALUES ('${REPOSITORY}', '${A}', 1, '${A}', 'git', 'f', 2, NULL, 1);
        INSERT INTO wishes VALUES ('${REPOSITORY}', '${B}', 0, '${B}', NULL, 'f', 3, NULL, 1);
        INSERT INTO wishes VALUES ('${REPOSITORY}', '${B}', 1, '${B}', '/f', '/f', 3, NULL, 1);
        INSERT INTO images (repository, public_name, platform, config, unwanted_since, keep_days)
          VALUES ('${REPOSITORY}', '${A}', 'linux/amd64', 'c', 7, 9);`);
    });
    await before.close();
    const after = await openSqliteState(path, { warn: () => undefined });
    assert.deepEqual(
      [...(await after.removals.askers(REPOSITORY))],
      [
        [A, { sources: ['git'], keep: { days: 9 } }],
        [B, { sources: ['file:/f'], keep: undefined }],
      ],
    );
    const [published] = await after.images.published(REPOSITORY);
    assert.deepEqual([published?.unwantedSinceMs, published?.keep], [undefined, { days: 9 }]);
    await after.close();
  });
});

async function publish(state: State, ...names: string[]): Promise<void> {
  const common = { platform: 'linux/amd64', image: undefined, config: 'c', layers: [], publishedMs: 1 };
  await state.images.put(
    REPOSITORY,
    names.map((publicName) => ({ ...common, publicName })),
  );
}

/** Plans the removal of images, each with what holds it. */
async function plan(state: State, ...images: [name: string, hold: HoldCode | undefined][]): Promise<void> {
  const published = await state.images.published(REPOSITORY);
  const removals = images.map(([name, hold]) => {
    const one = published.find(({ publicName }) => publicName === name) as PublishedImage;
    return { removal: { published: one, reason: 'line gone' as const, sinceMs: 1, dueMs: 2 }, hold };
  });
  const held = removals.flatMap(({ removal, hold }) =>
    hold === undefined ? [] : [[removal, hold] as const],
  );
  const remove = removals.map(({ removal }) => removal);
  await state.images.setPlan(REPOSITORY, { ...NOTHING, remove }, new Map(held));
}

async function want(state: State, name: string): Promise<void> {
  const [published] = await state.images.published(REPOSITORY);
  const image = { publicName: name, keep: undefined };
  const unchanged = [{ image, platform: published?.platform }];
  await state.images.setPlan(REPOSITORY, { ...NOTHING, unchanged } as never);
}
