import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../../core/failure.ts';
import type { CvmfsBackendOptions } from '../../../../publisher/repository/cvmfs/backend.ts';
import { faults } from '../../../support/cvmfs-server/fixture.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { fileEntry, publication } from '../entries.ts';
import { NAME, Scene } from './scene.ts';

describe('publisher/repository/cvmfs/free-storage', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.make({ gc: true });
  });
  afterEach(async () => await scene.fixture.close());

  async function free(
    options: Partial<CvmfsBackendOptions> = {},
    signal = new AbortController().signal,
  ): Promise<boolean> {
    const repository = await scene.backend(options).open(NAME, { notice: scene.notice, signal });
    try {
      return await repository.freeStorage({ signal });
    } finally {
      await repository.release();
    }
  }

  it('runs the server\u2019s own collection where server.conf allows it, and publishes nothing', async () => {
    assert.equal(await free(), true);
    assert.deepEqual(
      scene.fixture.calls().map(({ arguments: words }) => words),
      [['-f', NAME]],
    );
    assert.deepEqual([scene.fixture.publications(NAME), scene.isClear()], [0, true]);
  });

  it('runs nothing where it does not', async () => {
    await scene.fixture.close();
    scene = await Scene.make();
    assert.equal(await free(), false);
    assert.deepEqual(scene.commands(), []);
  });

  it('says why, where the repository was not made for it, and can be published into then', async () => {
    await scene.fixture.close();
    scene = await Scene.make();
    appendFileSync(join(scene.fixture.config, NAME, 'server.conf'), 'CVMFS_GARBAGE_COLLECTION=true\n');
    const failure = await failureOf(free());
    assert.equal(failure.code, 'repository-unusable');
    assert.match(failure.message, /repository does not allow garbage collection/);
    assert.equal(scene.isClear(), true);
    await scene.publish(publication([fileEntry('new')]));
    assert.equal((await scene.published()).has('new'), true);
  });

  it('waits for somebody else\u2019s transaction, and leaves it alone', async () => {
    writeFileSync(scene.paths.transaction, '');
    assert.equal((await failureOf(free())).code, 'repository-busy');
    assert.deepEqual(scene.commands(), []);
  });

  it('is stopped where it gets stuck, after longer than other commands, and leaves no transaction', async () => {
    scene.fixture.inject({ action: 'hang', at: 'sweep', times: 1 });
    const begun = performance.now();
    const failure = await failureOf(free({ idleLimitMs: 100 }));
    assert.equal(failure.code, 'repository-unusable');
    assert.ok(performance.now() - begun >= 1000);
    assert.equal(scene.isClear(), true);
    assert.equal(await free(), true);
  });

  it('is stopped with the run', async () => {
    scene.fixture.inject({ action: 'hang', at: 'sweep', times: 1 });
    const stop = new AbortController();
    const freeing = failureOf(free({}, stop.signal));
    while (scene.fixture.calls().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort(new Failure('interrupted', 'stopped'));
    assert.equal((await freeing).code, 'interrupted');
    assert.equal(scene.isClear(), true);
  });

  for (const at of ['open', 'sweep'] as const)
    it(`leaves nothing where it is killed (${at})`, async () => {
      scene.fixture.inject({ action: 'kill', at, times: 1 });
      assert.equal((await failureOf(free())).code, 'repository-unusable');
      assert.equal(scene.isClear(), true);
      assert.equal(await free(), true);
    });

  it('fails where the server fails', async () => {
    scene.fixture.inject({ ...faults.gc, times: 1 });
    const failure = await failureOf(free());
    assert.match(failure.message, /injected failure/);
    assert.equal(scene.isClear(), true);
    await scene.publish(publication([fileEntry('new')]));
  });
});
