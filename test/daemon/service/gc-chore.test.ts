import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { layerPath, manifestPath } from '../../../publisher/image/layout.ts';
import { openState } from '../../../daemon/state/open-state.ts';
import type { LastCollection } from '../../../daemon/state/collections.ts';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { DaemonRig } from '../../support/daemon/rig.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const REPOSITORY = 'images.unpackd.test';
const HOUR = 60;

describe('daemon/service/gc-chore', () => {
  let registry: TestRegistry;
  let rig: DaemonRig;
  let recipe: string;
  let old: Layer;

  beforeEach(async () => {
    registry = await TestRegistry.start();
    recipe = join(await temporaryDirectory('recipe'), 'recipe.yaml');
    await push('new');
  });
  afterEach(async () => await registry.close());

  async function push(content: string): Promise<Layer> {
    const own = await layer([file('version', content)]);
    const name = registry.add('lab/tool', '1', image({ layers: [own] }));
    writeFileSync(recipe, `version: 1\ncvmfs_repo: '${REPOSITORY}'\ninput:\n  - '${name}'\n`);
    return own;
  }

  async function start(flags: Readonly<Record<string, string>> = {}): Promise<void> {
    const common = { 'grace-period': '0', 'skip-podman': 'true', chains: 'true', schedule: '0 * * * *' };
    rig = await DaemonRig.make({
      sources: [fileSource({ name: 'lab', path: recipe })],
      flags: { ...common, ...flags },
    });
    mkdirSync(join(rig.root, REPOSITORY), { recursive: true });
    old = await push('old');
    await rig.start();
    await push('new');
  }

  const isThere = ({ digest }: Layer): boolean => existsSync(join(rig.root, REPOSITORY, layerPath(digest)));

  async function last(): Promise<LastCollection | undefined> {
    const state = await openState(rig.state, assert.fail);
    try {
      return await state.collections.last(REPOSITORY);
    } finally {
      await state.close();
    }
  }

  it('takes away at night what nothing refers to, says so, and remembers it', async () => {
    await start();
    await rig.pass(1 * HOUR);
    assert.equal(isThere(old), true);
    rig.said();
    await rig.pass(1 * HOUR);
    assert.equal(isThere(old), false);
    const lines = rig.said().filter((line) => / taken away/.test(line));
    assert.deepEqual(lines, [
      '6 3 trees that nothing refers to taken away, 3 trees marked that nothing refers to any more',
    ]);
    const found = await last();
    assert.deepEqual([found?.swept, found?.waiting, found?.failure, found?.blocked], [3, 0, undefined, []]);
    await rig.stop();
  });

  it('leaves what waits for its grace period, and says when that is over', async () => {
    await start({ 'grace-period': '2' });
    await rig.pass(2 * HOUR);
    assert.equal(isThere(old), true);
    const found = await last();
    assert.deepEqual([found?.swept, found?.waiting], [0, 3]);
    assert.equal(found?.nextDueMs, (found?.finishedMs ?? 0) + 2 * 86_400_000);
    await rig.pass(49 * HOUR);
    assert.equal(isThere(old), false);
    await rig.stop();
  });

  it('does not do so while publishing is paused, nor never', async () => {
    await start();
    await rig.pass(1 * HOUR);
    const state = await openState(rig.state, assert.fail);
    await state.repositories.pause(REPOSITORY, rig.nowMs);
    await rig.pass(24 * HOUR);
    assert.equal(isThere(old), true);
    await state.repositories.resume(REPOSITORY);
    await state.close();
    await rig.pass(24 * HOUR);
    assert.equal(isThere(old), false);
    await rig.stop();
  });

  it('does nothing where its schedule is never', async () => {
    await start({ 'gc-schedule': 'never' });
    await rig.pass(25 * HOUR);
    assert.equal(isThere(old), true);
    assert.equal(await last(), undefined);
    await rig.stop();
  });

  it('ends with the daemon, and goes on when that starts again', async () => {
    await start();
    await rig.pass(1 * HOUR);
    rig.tickAll();
    await rig.stop();
    await rig.start();
    await rig.pass(2 * HOUR);
    assert.equal(isThere(old), false);
    await rig.stop();
  });

  it('warns of what holds it back, and remembers it', async () => {
    await start();
    await rig.pass(1 * HOUR);
    const broken = join(rig.root, REPOSITORY, manifestPath('broken.example/x:1'));
    mkdirSync(dirname(broken), { recursive: true });
    writeFileSync(broken, '{');
    rig.said();
    await rig.pass(2 * HOUR);
    assert.equal(isThere(old), true);
    assert.equal(
      rig.said().filter((line) => /^4 nothing is taken away .*broken\.example/.test(line)).length,
      1,
    );
    assert.equal((await last())?.blocked.length, 1);
    await rig.stop();
  });

  it('makes nothing of a repository that is gone, and goes on with others', async () => {
    await start();
    await rig.pass(1 * HOUR);
    const state = await openState(rig.state, assert.fail);
    await state.repositories.ensure(['a.gone.test']);
    await state.close();
    rig.said();
    await rig.pass(1 * HOUR);
    assert.equal(isThere(old), false);
    assert.equal(existsSync(join(rig.root, 'a.gone.test')), false);
    assert.match(rig.said().join('\n'), /^\d .*a\.gone\.test is not there/m);
    await rig.stop();
  });
});
