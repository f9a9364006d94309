import assert from 'node:assert/strict';
import type { Event } from '../../../publisher/image/events.ts';
import { ownErrors, ownFailure, STOPPING } from '../../../publisher/image/own-failure.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';

const IMAGE = 'quay.io/lab/tool:1';
const MISTAKE = new TypeError('x is not a function');

function fail(error: unknown): { code: FailureCode | undefined; told: Event[] } {
  const told: Event[] = [];
  return { code: ownFailure(error, IMAGE, (event) => void told.push(event))?.code, told };
}

describe('publisher/image/own-failure', () => {
  const cases: readonly (readonly [what: string, error: unknown, code: FailureCode, stack: string])[] = [
    ['an error of the language', MISTAKE, 'bug', MISTAKE.stack ?? ''],
    ['an error of the system', Object.assign(new Error('gone'), { code: 'ENOENT' }), 'bug', 'Error: gone'],
    ['what is no error', 'oh', 'bug', 'oh'],
    ['nothing', undefined, 'bug', 'Failure: something unexpected happened: undefined'],
    ['a bug that was met before', new Failure('bug', 'x', { cause: MISTAKE }), 'bug', MISTAKE.stack ?? ''],
    ['a failure of the image', new Failure('layer-corrupt', 'x'), 'layer-corrupt', ''],
  ];
  for (const [what, error, expected, stack] of cases) {
    it(`is ${expected} for ${what}`, () => {
      const { code, told } = fail(error);
      assert.equal(code, expected);
      const stacks = told.map((event) => (event.type === 'bug' ? `${event.image} ${event.stack}` : ''));
      assert.equal(stacks.length, stack === '' ? 0 : 1);
      assert.ok((stacks[0] ?? '').startsWith(stack === '' ? '' : `${IMAGE} ${stack}`), stacks[0]);
    });
  }

  it('is none for what nothing can be published with', () => {
    for (const code of STOPPING)
      assert.deepEqual(fail(new Failure(code, 'x')), { code: undefined, told: [] }, code);
  });

  it('is what a stream of the image fails with, also for an error of the system', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw Object.assign(new Error('input/output error'), { code: 'EIO' });
    }
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const number of ownErrors(broken())) seen.push(number);
    };
    await assert.rejects(read(), { name: 'Failure', code: 'bug' });
    assert.deepEqual(seen, [1]);
  });
});
