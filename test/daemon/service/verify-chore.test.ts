import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { openState } from '../../../daemon/state/open-state.ts';
import { verifyChore } from '../../../daemon/service/verify-chore.ts';
import { readStatus } from '../../../daemon/status/report.ts';
import { configurationOf, DaemonRig } from '../../support/daemon/rig.ts';
import { smallImage } from '../../support/e2e/images.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const REPOSITORY = 'images.unpackd.test';
const HOUR = 60;
const DAY = 24 * HOUR;
const IMAGES = 6;
/** No cycle but the first repairs anything. */
const SELDOM = { schedule: '0 0 29 2 *' };

describe('daemon/service/verify-chore', () => {
  let registry: TestRegistry;
  let rig: DaemonRig;
  let recipe: string;
  beforeEach(async () => {
    registry = await TestRegistry.start();
    recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    const names: string[] = [];
    for (let tag = 0; tag < IMAGES; tag++)
      names.push(registry.add('lab/tool', String(tag), await smallImage(`image ${tag}\n`)));
    await writeFile(recipe, recipeText(...names));
  });
  afterEach(async () => {
    await rig.stop();
    await registry.close();
  });

  async function start(flags: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = { ...SELDOM, 'verify-period': '3d', ...flags };
    const sources = [fileSource({ name: 'lab', path: recipe })];
    rig = await DaemonRig.make({ sources, flags: all, chores: [verifyChore] });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
    await rig.start();
    rig.said();
    registry.requests();
  }

  function name(tag: number): string {
    return `${registry.host}/lab/tool:${tag}`;
  }

  async function times(): Promise<ReadonlyMap<string, number>> {
    const state = await openState(rig.state, assert.fail);
    try {
      return await state.verifications.times(REPOSITORY);
    } finally {
      await state.close();
    }
  }

  async function damaged(): Promise<(string | undefined)[][]> {
    const state = await openState(rig.state, assert.fail);
    try {
      const { repositories } = await readStatus(state, rig.state);
      return repositories.flatMap((one) => one.damaged.map((image) => [image.name, image.damages[0]?.kind]));
    } finally {
      await state.close();
    }
  }

  it('verifies every image once in the period, those first that waited for longest, without a download', async () => {
    await start();
    const seen: number[] = [];
    for (let night = 0; night < 3; night++) {
      await rig.pass(DAY);
      seen.push((await times()).size);
    }
    assert.deepEqual(seen, [2, 4, 6]);
    const before = await times();
    await rig.pass(DAY);
    const again = [...(await times())].filter(([image, ms]) => before.get(image) !== ms);
    const oldest = Math.min(...before.values());
    assert.deepEqual(
      again.map(([image]) => before.get(image)),
      [oldest, oldest],
    );
    assert.deepEqual(registry.blobRequests(), []);
    assert.deepEqual(rig.said(), []);
  });

  it('logs damage once, shows it in the status until it is gone, and repairs nothing by itself', async () => {
    await start({ 'verify-period': '1d' });
    const link = join(rig.root, REPOSITORY, name(3));
    await rm(link);
    await rig.pass(3 * HOUR);
    const [line, ...rest] = rig.said();
    assert.match(line ?? '', /^4 .*lab\/tool:3 is damaged: 1 difference, the first at .*verify --repair/);
    assert.deepEqual(rest, []);
    assert.deepEqual(await damaged(), [[name(3), 'metadata']]);
    await rm(recipe);
    await rig.pass(DAY);
    assert.deepEqual(
      rig.said().filter((one) => one.includes('damaged')),
      [],
    );
    assert.deepEqual(await damaged(), [[name(3), 'metadata']]);
  });

  it('looks each night at what is damaged: a cycle may have repaired it', async () => {
    await start({ 'verify-period': '1d' });
    await rm(join(rig.root, REPOSITORY, name(3)));
    await rig.pass(3 * HOUR);
    assert.equal((await damaged()).length, 1);
    rig.configuration = configurationOf(rig.folder, { flags: { ...SELDOM, 'verify-period': '366d' } });
    await rig.reload();
    await rig.pass(DAY);
    assert.deepEqual(await damaged(), []);
  });

  it('repairs what it finds where that is wanted', async () => {
    await start({ 'verify-period': '1d', 'verify-repair': 'true' });
    await rm(join(rig.root, REPOSITORY, name(3)));
    await rig.pass(3 * HOUR);
    assert.match(rig.said().join('\n'), /lab\/tool:3 is damaged: .*; it is repaired/);
    assert.deepEqual(await damaged(), []);
  });

  it('leaves paused repositories alone, and goes on with others where one cannot be used', async () => {
    await start({ 'verify-period': '1d' });
    const state = await openState(rig.state, assert.fail);
    await state.repositories.ensure(['a.gone.test']);
    await state.repositories.pause(REPOSITORY, 1);
    await rig.pass(DAY);
    assert.deepEqual(await state.verifications.times(REPOSITORY), new Map());
    await state.repositories.resume(undefined);
    await state.close();
    await rig.pass(DAY);
    assert.equal((await times()).size, IMAGES);
    assert.match(rig.said().join('\n'), /^3 .*a\.gone\.test/m);
  });

  it('never runs where that is said', async () => {
    await start({ 'verify-schedule': 'never' });
    await rig.pass(2 * DAY);
    assert.equal((await times()).size, 0);
  });
});
