import assert from 'node:assert/strict';
import { TtlCache } from '../../../../daemon/configuration/registries/ttl-cache.ts';

describe('daemon/configuration/registries/ttl-cache', () => {
  let now = 0;
  let asked = 0;
  let cache: TtlCache<number>;

  beforeEach(() => {
    now = 0;
    asked = 0;
    cache = new TtlCache({ valueMs: 100, failureMs: 10 }, () => now);
  });

  async function next(): Promise<number> {
    asked++;
    return await Promise.resolve(asked);
  }

  async function fail(): Promise<number> {
    asked++;
    return await Promise.reject(new Error(`question ${asked}`));
  }

  it('are asked for once at a time, and by key', async () => {
    assert.deepEqual(
      await Promise.all([
        cache.getOrFetch('a', next),
        cache.getOrFetch('a', next),
        cache.getOrFetch('b', next),
      ]),
      [1, 1, 2],
    );
  });

  it('count for their time from when they come', async () => {
    const first = cache.getOrFetch('a', async () => {
      now = 50;
      return await next();
    });
    assert.equal(await first, 1);
    now = 149;
    assert.equal(await cache.getOrFetch('a', next), 1);
    now = 150;
    assert.equal(await cache.getOrFetch('a', next), 2);
  });

  it('are failures for all who wait, and for a shorter time', async () => {
    const failed = [cache.getOrFetch('a', fail), cache.getOrFetch('a', next)];
    for (const answer of failed) await assert.rejects(answer, /question 1/);
    now = 9;
    await assert.rejects(cache.getOrFetch('a', next), /question 1/);
    now = 10;
    assert.equal(await cache.getOrFetch('a', next), 2);
  });
});
