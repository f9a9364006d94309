import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { SyncBudget } from '../../../publisher/publication/sync-budget.ts';

describe('SyncBudget', () => {
  let nowMs: number;
  let pace: SyncBudget;
  /** The ways in which calls were made, in their order: `q` for quick, `p` for patient. */
  let ways: string;

  beforeEach(() => {
    nowMs = 0;
    ways = '';
    pace = new SyncBudget(() => nowMs);
  });

  /** Makes a call that takes so long where it is made at once. */
  async function call(tookMs: number): Promise<void> {
    await pace.ask(
      () => {
        nowMs += tookMs;
        ways += 'q';
      },
      async () => {
        await setImmediate();
        ways += 'p';
      },
    );
  }

  async function calls(count: number, tookMs: number): Promise<void> {
    for (let made = 0; made < count; made++) await call(tookMs);
  }

  it('makes calls at once while they are quick, and gives their results and errors', async () => {
    const never = async (): Promise<never> => await Promise.reject(new Error('asked twice'));
    assert.equal(await pace.ask(() => 7, never), 7);
    const failing = (): never => {
      throw new RangeError('no');
    };
    await assert.rejects(pace.ask(failing, never), RangeError);
    await calls(1000, 0.01);
    assert.equal(ways, 'q'.repeat(1000));
  });

  it('gives everything else its turn after 10 ms', async () => {
    let turns = 0;
    const other = setInterval(() => turns++, 0);
    const started = performance.now();
    pace = new SyncBudget();
    // Each is quick, and all of them together take long.
    const spin = async (): Promise<void> =>
      await pace.ask(() => {
        const until = performance.now() + 0.5;
        while (performance.now() < until);
      }, setImmediate);
    await Promise.all(Array.from({ length: 200 }, spin));
    clearInterval(other);
    assert.ok(performance.now() - started >= 50);
    assert.ok(turns >= 3, `${turns} turns`);
  });

  it('is not put off by single slow calls', async () => {
    for (let round = 0; round < 10; round++) {
      await call(5);
      await calls(20, 0.01);
    }
    assert.ok(!ways.includes('p'));
  });

  it('leaves calls to threads after slow ones, and then tries again', async () => {
    await calls(2, 5);
    await calls(32, 5);
    assert.equal(ways, `qq${'p'.repeat(32)}`);
    await calls(1, 5);
    await calls(32, 5);
    assert.equal(ways.slice(34), `q${'p'.repeat(32)}`);
    ways = '';
    await calls(100, 0.01);
    assert.equal(ways, 'q'.repeat(100));
  });
});
