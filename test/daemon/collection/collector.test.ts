import assert from 'node:assert/strict';
import { collectGarbage, type Collected } from '../../../daemon/collection/collector.ts';
import { StateStore } from '../../../daemon/cycle/state-store.ts';
import { openState } from '../../../daemon/state/open-state.ts';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { REPOSITORY, SyntheticRepository } from '../../publisher/collection/synthetic-repository.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const DAY_MS = 86_400_000;
const START = 20_000;
const NAME = 'reg.example/lab/tool:1';
const FOUND = {
  sources: [],
  lines: [],
  repositories: [REPOSITORY],
  images: [],
  uncertainties: [],
  patterns: [],
  readSources: { read: new Set<string>(), configured: undefined },
  askersIn: () => new Map(),
};

describe('daemon/collection/collector', () => {
  let publisher: RepositoryPublisher;
  let store: StateStore;
  let day: number;

  beforeEach(async () => {
    const repository = new SyntheticRepository(await temporaryDirectory('collector'));
    publisher = await repository.publisher();
    repository.image('reg.example/lab/app:1', ['base']);
    repository.image(NAME, ['base', 'top']);
    repository.remove(NAME);
    day = START;
    store = await newStore();
  });
  afterEach(async () => {
    publisher.close();
    await store.close();
  });

  async function newStore(): Promise<StateStore> {
    const directory = await temporaryDirectory('state');
    return new StateStore({
      open: async () => await openState(directory, assert.fail),
      warn: assert.fail,
      note: assert.fail,
      nowMs: () => day * DAY_MS,
      readOnlyWishes: false,
    });
  }

  async function gc(
    options: { readonly dryRun?: boolean; readonly yesReally?: boolean } = {},
  ): Promise<Collected> {
    return await collectGarbage(publisher, store, {
      gracePeriodMs: 30 * DAY_MS,
      serverGc: false,
      dryRun: false,
      yesReally: false,
      nowMs: () => day * DAY_MS,
      observe: () => undefined,
      signal: new AbortController().signal,
      ...options,
    });
  }

  /** As cycles do, each week. */
  async function work(days: number): Promise<void> {
    for (const end = day + days; day < end;) {
      day += Math.min(7, end - day);
      await store.wishlists(FOUND);
    }
  }

  async function assertSwept(count: number, options?: Parameters<typeof gc>[0]): Promise<void> {
    const { report } = await gc(options);
    assert.deepEqual([report.swept.length, report.blocked.length], [count, count === 0 ? 1 : 0]);
  }

  it('believes a clock that somebody looked at since the last collection', async () => {
    await gc();
    await work(32);
    await assertSwept(3, { dryRun: true });
    await assertSwept(3);
  });

  it('doubts one at which nobody looked', async () => {
    await gc();
    day += 32;
    await assertSwept(0);
    await assertSwept(3, { yesReally: true });
  });

  it('doubts one that jumped, though somebody looked before and after', async () => {
    await gc();
    await work(7);
    day += 25;
    await store.wishlists(FOUND);
    await work(7);
    await assertSwept(0);
  });

  it('doubts one of which somebody said that it is right, since nobody knows how long it was', async () => {
    await gc();
    await work(7);
    day += 25;
    await store.believeClock();
    await assertSwept(0);
  });

  it('goes on knowing how long it was looked at where somebody says so needlessly', async () => {
    await gc();
    await work(20);
    await store.believeClock();
    await work(12);
    await assertSwept(3);
  });

  it('doubts one that the state has not seen for as long as that', async () => {
    await gc();
    day += 20;
    await store.close();
    store = await newStore();
    await store.wishlists(FOUND);
    await work(20);
    await assertSwept(0);
  });
});
