import { strict as assert } from 'node:assert';
import { storageFailure } from '../../core/storage-failure.ts';
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

describe('spool/storage-failure', () => {
  for (const [code, expected] of CASES) {
    it(`${code} is ${expected ?? 'left as it is'}`, () => {
      const error = Object.assign(new Error('text'), { code });
      const failure = storageFailure(error, '/state', 123_400_000);
      if (expected === undefined) {
        assert.equal(failure, error);
        return;
      }
      assert(isFailure(failure, expected));
      assert(failure.message.includes('/state'));
      if (expected === 'disk-full') assert(failure.message.includes('123.4 MB are needed'));
    });
  }

  it('leaves other failures as they are', () => {
    const failure = new Failure('digest-mismatch', 'text');
    assert.equal(storageFailure(failure, '/state', 1), failure);
  });
});
