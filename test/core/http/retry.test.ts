import { strict as assert } from 'node:assert';
import { PROGRESS_BYTES, Retryable, withRetries } from '../../../core/http/retry.ts';
import { Failure } from '../../../core/failure.ts';
import { failureOf } from '../../support/registry/quick-client.ts';

const FAILURE = new Failure('registry-error', 'it failed');

describe('core/http/retry', () => {
  for (const [what, error, tries] of [
    ['as often as the policy says', new Retryable(FAILURE), 4],
    ['as often as the failure is worth', new Retryable(FAILURE, { maximumTries: 2 }), 2],
    ['not more often than the policy says', new Retryable(FAILURE, { maximumTries: 9 }), 4],
    ['once where it makes no sense', FAILURE, 1],
  ] as const) {
    it(`tries ${what}`, async () => {
      let tried = 0;
      const given: unknown[] = [];
      const policy = {
        tries: 4,
        retryDelayMs: 0,
        signal: new AbortController().signal,
        onGiveUp: (last: Retryable) => given.push(last),
      };
      const failure = await failureOf(
        withRetries(policy, () => {
          tried += 1;
          return Promise.reject(error);
        }),
      );
      assert.equal(failure, FAILURE);
      assert.equal(tried, tries);
      assert.deepEqual(given, error instanceof Retryable ? [error] : []);
    });
  }

  it('does not count tries that got further, and numbers them all', async () => {
    const brought = [PROGRESS_BYTES, PROGRESS_BYTES - 1, 0, 9 * PROGRESS_BYTES, PROGRESS_BYTES, 1, 0];
    const numbers: number[] = [];
    const policy = { tries: 3, retryDelayMs: 0, signal: new AbortController().signal };
    const failure = await failureOf(
      withRetries(policy, (number) => {
        numbers.push(number);
        return Promise.reject(new Retryable(FAILURE, { newBytes: brought[number - 1] ?? 0 }));
      }),
    );
    assert.equal(failure, FAILURE);
    assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6]);
  });

  it('stops waiting when the signal is aborted', async () => {
    const stop = new AbortController();
    const policy = { tries: 2, retryDelayMs: 3_600_000, signal: stop.signal };
    const failing = failureOf(withRetries(policy, () => Promise.reject(new Retryable(FAILURE))));
    setImmediate(() => {
      stop.abort();
    });
    assert.equal((await failing).code, 'interrupted');
  });
});
