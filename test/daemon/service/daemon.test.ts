import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askActivity, wakeDaemon } from '../../../daemon/service/control.ts';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { lockState } from '../../../daemon/state/state-lock.ts';
import { databasePath } from '../../../daemon/state/state-files.ts';
import type { State } from '../../../daemon/state/state.ts';
import { Failure, isFailure } from '../../../core/failure.ts';
import { configurationOf, DaemonRig } from '../../support/daemon/rig.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openState } from '../../../daemon/state/open-state.ts';

const REPOSITORY = 'images.unpackd.test';
const DAY_MS = 86_400_000;

describe('daemon/service/daemon', function () {
  let registry: TestRegistry;
  let recipe: string;
  let rig: DaemonRig;

  beforeEach(async () => {
    registry = await TestRegistry.start();
    recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    rig = await DaemonRig.make({ sources: [fileSource({ name: 'lab', path: recipe })] });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
    await add('lab/tool', '1', 'one');
    await wish('lab/tool:1');
  });
  afterEach(async () => {
    await rig.stop();
    await registry.close();
  });

  async function add(name: string, tag: string, content: string): Promise<void> {
    registry.add(name, tag, image({ layers: [await layer([file('version', content)])] }));
  }

  async function wish(...names: readonly string[]): Promise<void> {
    await writeFile(recipe, recipeText(...names.map((name) => `http://${registry.host}/${name}`)));
  }

  function published(name: string): string | undefined {
    const path = join(rig.root, REPOSITORY, registry.host, name, 'version');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  async function withState<T>(work: (state: State) => Promise<T>): Promise<T> {
    const state = await openState(rig.state, assert.fail);
    try {
      return await work(state);
    } finally {
      await state.close();
    }
  }

  it('publishes what is wanted, and asks for each tag once when nothing changed', async () => {
    await rig.start();
    assert.equal(published('lab/tool:1'), 'one');
    registry.requests();
    await rig.cycle();
    assert.deepEqual(registry.requests(), ['HEAD /v2/lab/tool/manifests/1']);
    const publications = await withState(async (state) => await state.publications.last(REPOSITORY, 9));
    assert.deepEqual(
      publications.map(({ images, layers, error }) => ({ images, layers, error })),
      [{ images: 1, layers: 1, error: undefined }],
    );
  });

  it('leaves a failing image alone until its time, and tries it at once when it is told to', async () => {
    await wish('lab/tool:1', 'lab/late:1');
    await rig.start();
    registry.requests();
    await rig.pass(4);
    await rig.cycle();
    assert.deepEqual(registry.requests(), ['HEAD /v2/lab/tool/manifests/1']);
    await add('lab/late', '1', 'late');
    assert.equal(await withState(async ({ attempts }) => await attempts.retry(undefined, rig.nowMs)), 1);
    assert.equal(await wakeDaemon(rig.state), true);
    await rig.idle();
    assert.equal(published('lab/late:1'), 'late');
    assert.equal((await withState(async ({ attempts }) => await attempts.failing(REPOSITORY))).size, 0);
  });

  it('says once of a registry that cannot be reached, with its images as they were', async () => {
    await add('lab/late', '1', 'late');
    await wish('lab/tool:1', 'lab/late:1');
    await rig.start();
    const { host } = registry;
    await registry.close();
    rig.said();
    await rig.pass(30);
    const lines = rig.said().filter((line) => line.startsWith('4 '));
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines[0]?.startsWith(`4 ${host}: `), lines[0]);
    assert.equal(published('lab/tool:1'), 'one');
    const failing = await withState(async ({ attempts }) => await attempts.failing(REPOSITORY));
    assert.equal(failing.size, 2);
    for (const { nextTryMs } of failing.values()) assert.ok(nextTryMs - rig.nowMs <= 15 * 60_000);
  });

  it('forgets a failure when the line goes', async () => {
    await wish('lab/tool:1', 'lab/late:1');
    await rig.start();
    const failing = async (): Promise<number> =>
      await withState(async ({ attempts }) => (await attempts.failing(REPOSITORY)).size);
    assert.equal(await failing(), 1);
    await wish('lab/tool:1');
    await rig.cycle();
    assert.equal(await failing(), 0);
  });

  for (const [how, days] of [
    ['back', -400],
    ['forward', 400],
  ] as const)
    it(`publishes, keeps what is there, and tries again what fails, also where the clock is set ${how} by ${Math.abs(days)} days`, async () => {
      await wish('lab/tool:1', 'lab/late:1');
      await rig.start();
      rig.said();
      rig.nowMs += days * DAY_MS;
      await add('lab/tool', '1', 'moved');
      await rig.cycle();
      assert.equal(published('lab/tool:1'), 'moved');
      await add('lab/late', '1', 'late');
      await rig.pass(60);
      assert.equal(published('lab/late:1'), 'late');
      registry.requests();
      await rig.cycle();
      assert.deepEqual(registry.requests().toSorted(), [
        'HEAD /v2/lab/late/manifests/1',
        'HEAD /v2/lab/tool/manifests/1',
      ]);
      const { images, failing } = await withState(async (state) => ({
        images: await state.images.of(REPOSITORY),
        failing: await state.attempts.failing(REPOSITORY),
      }));
      assert.deepEqual([images.length, failing.size], [2, 0]);
      const lines = rig.said().filter((line) => /^[0-5] /.test(line));
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', /^4 nothing is removed: the clock is more than 7 days from 2026-01-05/);
    });

  it('publishes nothing in a paused repository until it goes on', async () => {
    await withState(async ({ repositories }) => await repositories.pause(REPOSITORY, 1));
    await rig.start();
    assert.equal(published('lab/tool:1'), undefined);
    await withState(async ({ repositories }) => await repositories.resume(undefined));
    await wakeDaemon(rig.state);
    await rig.idle();
    assert.equal(published('lab/tool:1'), 'one');
  });

  it('shows who asks for an image, and since when nobody does', async () => {
    await rig.start();
    await wish('lab/other:1');
    await add('lab/other', '1', 'other');
    await rig.cycle();
    await withState(async (state) => {
      const wishes = await state.wishes.of(REPOSITORY);
      assert.deepEqual(
        wishes.map(({ image: wished, source, line }) => ({ wished, source, line })),
        [{ wished: `${registry.host}/lab/other:1`, source: 'lab', line: 4 }],
      );
      const rows = await state.images.of(REPOSITORY);
      assert.deepEqual(
        rows.map(({ publicName, unwantedSinceMs }) => [
          publicName.replace(/.*\/lab/, 'lab'),
          unwantedSinceMs,
        ]),
        [
          ['lab/other:1', undefined],
          ['lab/tool:1', rig.nowMs],
        ],
      );
    });
    assert.equal(published('lab/tool:1'), 'one');
  });

  it('goes on without a database, and fills a new one from what is published', async () => {
    await rig.start();
    await rm(databasePath(rig.state));
    rig.said();
    await rig.cycle();
    const rows = await withState(async (state) => await state.images.of(REPOSITORY));
    assert.deepEqual(
      rows.map(({ publicName, layers }) => ({ publicName, layers })),
      [{ publicName: `${registry.host}/lab/tool:1`, layers: 1 }],
    );
    assert.ok(rig.said().some((line) => line.startsWith('4 the database has disappeared')));
    assert.deepEqual(registry.blobRequests().length, 2);
  });

  it('puts a damaged database aside when it starts, and publishes nothing again', async () => {
    await rig.start();
    await rig.stop();
    await writeFile(
      databasePath(rig.state),
      'this is no database at all, but long enough to be looked at. '.repeat(50),
    );
    registry.requests();
    await rig.start();
    assert.deepEqual(registry.requests(), ['HEAD /v2/lab/tool/manifests/1']);
    assert.equal((await withState(async (state) => await state.images.of(REPOSITORY))).length, 1);
  });

  it('is the only one with its state', async () => {
    await rig.start();
    await assert.rejects(lockState(rig.state), (error) => isFailure(error, 'state-unusable'));
    const other = await DaemonRig.make({ sources: [], flags: { state: rig.state } });
    await assert.rejects(other.start(), (error) => isFailure(error, 'state-unusable'));
  });

  it('takes over a new configuration, and refuses one that cannot be used', async () => {
    await rig.start();
    const before = rig.daemon.currentRun;
    rig.said();
    rig.configuration = new Failure('configuration-invalid', 'a mistake', { hint: 'correct it' });
    rig.daemon.reload();
    await until(() => rig.said().some((line) => line.startsWith('3 new configuration refused')));
    assert.equal(rig.daemon.currentRun, before);
    rig.configuration = configurationOf(rig.folder, { flags: { root: '/elsewhere' } });
    rig.daemon.reload();
    await until(() => rig.said().some((line) => /^3 .* root cannot change/.test(line)));
    await wish('lab/tool:1', 'lab/more:1');
    await add('lab/more', '1', 'more');
    rig.configuration = configurationOf(rig.folder, { flags: { downloads: '1' } });
    await rig.reload();
    assert.notEqual(rig.daemon.currentRun, before);
    assert.equal(published('lab/more:1'), 'more');
  });

  it('says when nothing can be published in a repository, once, and when it can again', async () => {
    await rm(join(rig.root, REPOSITORY), { recursive: true });
    await mkdir(rig.root, { recursive: true });
    await writeFile(join(rig.root, REPOSITORY), 'in the way');
    await rig.start();
    await rig.cycle();
    const errors = rig.said().filter((line) => line.startsWith('3 '));
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', /^3 nothing can be published: /);
    const [row] = await withState(async ({ repositories }) => await repositories.all());
    assert.equal(row?.failure?.code, 'repository-unusable');
    await rm(join(rig.root, REPOSITORY));
    await mkdir(join(rig.root, REPOSITORY));
    await rig.cycle();
    assert.equal(published('lab/tool:1'), 'one');
    assert.ok(rig.said().includes('6 images can be published again'));
  });

  it('tells what it does to whoever asks, and is silent when it has ended', async () => {
    await rig.start();
    const activity = await askActivity(rig.state);
    assert.equal(activity?.pid, process.pid);
    assert.deepEqual(
      [activity.isStopping, activity.cycleSinceMs, activity.repositories],
      [false, undefined, []],
    );
    await rig.stop();
    assert.equal(await askActivity(rig.state), undefined);
    assert.equal(await wakeDaemon(rig.state), false);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'it takes too long');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
