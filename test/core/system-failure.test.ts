import { strict as assert } from 'node:assert';
import { systemFailure } from '../../core/system-failure.ts';
import { Failure, isFailure, type FailureCode } from '../../core/failure.ts';

const CASES: readonly (readonly [code: string, expected: FailureCode | undefined])[] = [
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['EACCES', 'state-unusable'],
  ['EPERM', 'state-unusable'],
  ['EROFS', 'state-unusable'],
  ['ENOTDIR', 'state-unusable'],
  ['EIO', 'state-unusable'],
  ['EBADF', undefined],
];

describe('core/system-failure', () => {
  for (const [code, expected] of CASES) {
    it(`${code} is ${expected ?? 'left as it is'}`, () => {
      const error = Object.assign(new Error('text'), { code });
      const failure = systemFailure(error, {
        path: '/state',
        code: 'state-unusable',
        neededBytes: 123_400_000,
      });
      if (expected === undefined) {
        assert.equal(failure, error);
        return;
      }
      assert(isFailure(failure, expected));
      assert(failure.message.includes('/state'));
      if (expected === 'disk-full') assert(failure.message.includes('no room for 123.4 MB in /state'));
    });
  }

  it('leaves other failures as they are', () => {
    const failure = new Failure('digest-mismatch', 'text');
    assert.equal(systemFailure(failure, { path: '/state', code: 'state-unusable' }), failure);
  });
});
