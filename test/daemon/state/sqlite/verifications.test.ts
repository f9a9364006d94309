import assert from 'node:assert/strict';
import { openState } from '../../../../daemon/state/open-state.ts';
import type { State } from '../../../../daemon/state/state.ts';
import type { Damage } from '../../../../daemon/state/verifications.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const REPOSITORY = 'images.unpackd.test';
const NAME = 'quay.io/lab/tool:1';

describe('daemon/state/sqlite/verifications', () => {
  let state: State;
  beforeEach(async () => {
    state = await openState(await temporaryDirectory('state'), assert.fail);
    await state.repositories.ensure([REPOSITORY]);
  });
  afterEach(async () => {
    await state.close();
  });

  const damage = (path: string, kind = 'missing', isOfContent = false): Damage => ({
    kind,
    path,
    message: `${path} token=SECRETVALUE`,
    isOfContent,
  });
  const content = damage('.layers/a', 'content', true);

  async function found(atMs: number, isDeep: boolean, ...damages: readonly Damage[]): Promise<void> {
    await state.verifications.record(REPOSITORY, { name: NAME, atMs, isDeep, damages });
  }

  async function known() {
    const [image] = await state.verifications.damaged(REPOSITORY);
    return image?.damages.map(({ path, kind, sinceMs }) => [path, kind, sinceMs]);
  }

  it('keep since when each damage is known, until it is gone', async () => {
    await found(1, false, damage('.flat/b'));
    await found(2, false, damage('.flat/b'), damage('.flat/a'));
    assert.deepEqual(await known(), [
      ['.flat/a', 'missing', 2],
      ['.flat/b', 'missing', 1],
    ]);
    const [image] = await state.verifications.damaged(REPOSITORY);
    assert.deepEqual([image?.sinceMs, image?.verifiedMs, image?.count], [1, 2, 2]);
    await found(3, false);
    assert.equal(await known(), undefined);
    assert.deepEqual(await state.verifications.times(REPOSITORY), new Map([[NAME, 3]]));
  });

  it('keep damage to contents until somebody looks at contents', async () => {
    await found(1, true, content);
    await found(2, false, damage('.flat/a'));
    assert.deepEqual(await known(), [
      ['.flat/a', 'missing', 2],
      ['.layers/a', 'content', 1],
    ]);
    assert.equal((await state.verifications.damaged(REPOSITORY))[0]?.count, 2);
    await found(3, true);
    assert.equal(await known(), undefined);
  });

  it('store the first of very many, their number, and no secrets', async () => {
    await found(1, false, ...Array.from({ length: 1000 }, (_, index) => damage(`.flat/${index}`)));
    const [image] = await state.verifications.damaged(REPOSITORY);
    assert.deepEqual([image?.count, image?.damages.length], [1000, 100]);
    assert.doesNotMatch(image?.damages[0]?.message ?? 'SECRETVALUE', /SECRETVALUE/);
  });

  it('are forgotten with their image, and with their repository', async () => {
    await found(1, false, damage('.flat/a'));
    await state.verifications.retain(REPOSITORY, [NAME]);
    assert.equal((await known())?.length, 1);
    await state.verifications.retain(REPOSITORY, []);
    assert.equal(await known(), undefined);
    await found(2, false, damage('.flat/a'));
    await state.repositories.forget(() => false);
    assert.deepEqual(await state.verifications.times(REPOSITORY), new Map());
  });
});
