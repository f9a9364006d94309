import assert from 'node:assert/strict';
import { Failure } from '../../../core/failure.ts';
import { restoreRecorded } from '../../../daemon/cycle/restoring.ts';
import { StateStore } from '../../../daemon/cycle/state-store.ts';
import { openState } from '../../../daemon/state/open-state.ts';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { removeNames } from '../../../publisher/removal/removal.ts';
import { NamesBench, PLACES } from '../../publisher/removal/names-bench.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const DEATH = new Failure('interrupted', 'the process is dead');

type Publish = RepositoryPublisher['publish'];

describe('daemon/cycle/restoring: a name that is given again', () => {
  let bench: NamesBench;
  let publisher: RepositoryPublisher;
  let store: StateStore;
  let name: string;

  beforeEach(async () => {
    const folder = await temporaryDirectory('restoring');
    store = new StateStore({
      open: async () => await openState(folder, assert.fail),
      warn: assert.fail,
      note: () => undefined,
      nowMs: Date.now,
      readOnlyWishes: true,
    });
    bench = await NamesBench.make(await PLACES['a directory']());
    name = await bench.publishTool();
    publisher = bench.publisher();
    await store.use(undefined, async ({ repositories }) => await repositories.ensure([publisher.name]));
    await removeNames(publisher, [{ name, reason: 'tag gone' }], { nowMs: 0, takesByHand: false });
  });
  afterEach(async () => {
    await store.close();
    await bench.close();
  });

  const restore = async (isAskedFor: boolean, publish: Publish): Promise<unknown> => {
    const { view, clientRoot } = publisher;
    const through = { name: publisher.name, view, clientRoot, publish };
    return await restoreRecorded(through, store, { name, isAskedFor });
  };
  const published: Publish = async (...given) => await publisher.publish(...given);
  const recorded = async (): Promise<string[]> =>
    await store.use([], async ({ images }) =>
      (await images.published(publisher.name)).map(({ publicName }) => publicName),
    );
  const isThere = async (): Promise<boolean> => (await publisher.view.kindOf(name)) !== undefined;

  for (const isAskedFor of [true, false])
    it(`is recorded, if ${isAskedFor ? 'somebody' : 'nobody'} asks for it`, async () => {
      await restore(isAskedFor, published);
      assert.deepEqual([await isThere(), await recorded()], [true, [name]]);
    });

  it('is recorded if the process dies when it is there: no cycle finds it once its tag is gone', async () => {
    const dying: Publish = async (...given) => {
      await publisher.publish(...given);
      throw DEATH;
    };
    await assert.rejects(restore(true, dying), DEATH);
    assert.deepEqual([await isThere(), await recorded()], [true, [name]]);
  });

  it('is recorded though a cycle has scanned the repository before it was there', async () => {
    const scanned: Publish = async (compose, title) => {
      assert.ok(typeof compose === 'function');
      const composeAndScan: typeof compose = async (repository) => {
        const publication = await compose(repository);
        await store.use(undefined, async ({ images }) => await images.replace(publisher.name, [], 0));
        return publication;
      };
      await publisher.publish(composeAndScan, title);
    };
    await restore(true, scanned);
    assert.deepEqual([await isThere(), await recorded()], [true, [name]]);
  });

  it('is not recorded before it is there if nobody asks for it: no plan would clear that', async () => {
    const dying: Publish = async (compose, title) => {
      assert.ok(typeof compose === 'function');
      const composeAndDie: typeof compose = async (repository) => {
        await compose(repository);
        throw DEATH;
      };
      await publisher.publish(composeAndDie, title);
    };
    await assert.rejects(restore(false, dying), DEATH);
    assert.deepEqual([await isThere(), await recorded()], [false, []]);
  });
});
