import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { interruption } from '../../../core/interruption.ts';
import { withinTime } from '../../../publisher/spool/download-limits.ts';
import { Failure } from '../../../core/failure.ts';
import { failureOf } from '../../support/registry/quick-client.ts';

const NEVER_MS = 3_600_000;

describe('publisher/spool/download-limits', () => {
  const limit = { limitMs: NEVER_MS, failure: () => new Failure('registry-timeout', 'too long') };

  /** Goes on until it is stopped. */
  async function endless(signal: AbortSignal): Promise<never> {
    if (!signal.aborted) await once(signal, 'abort');
    throw interruption(signal);
  }

  it('is what the work comes to', async () => {
    const { signal } = new AbortController();
    assert.equal(await withinTime(limit, signal, async () => await Promise.resolve(7)), 7);
    const broken = Promise.reject(new Failure('rate-limited', 'text'));
    assert.equal((await failureOf(withinTime(limit, signal, async () => await broken))).code, 'rate-limited');
  });

  it('ends the work with the failure of that moment', async () => {
    let step = 'before';
    const late = { limitMs: 1, failure: () => new Failure('registry-timeout', step) };
    const working = failureOf(withinTime(late, new AbortController().signal, endless));
    step = 'meanwhile';
    const failure = await working;
    assert.equal(failure.code, 'registry-timeout');
    assert.equal(failure.message, 'meanwhile');
  });

  it('ends the work when it is stopped from outside', async () => {
    const stop = new AbortController();
    const working = failureOf(withinTime(limit, stop.signal, endless));
    stop.abort();
    assert.equal((await working).code, 'interrupted');
  });
});
