import assert from 'node:assert/strict';
import { codeOf, hasCode, isDiskFull } from '../../core/system-error.ts';

function error(code: unknown): Error {
  return Object.assign(new Error('an error'), { code });
}

describe('core/system-error', () => {
  it('finds the code of an error, where it has one', () => {
    assert.equal(codeOf(error('ENOENT')), 'ENOENT');
    for (const without of [new Error('none'), error(2), { code: 'ENOENT' }, 'ENOENT', undefined])
      assert.equal(codeOf(without), undefined);
  });

  it('tells whether it is one of several', () => {
    assert.equal(hasCode(error('EPERM'), 'EACCES', 'EPERM'), true);
    assert.equal(hasCode(error('EPERM'), 'EACCES'), false);
    assert.equal(hasCode(undefined, 'EACCES'), false);
  });

  it('knows what a full disk is', () => {
    assert.deepEqual(['ENOSPC', 'EDQUOT', 'EFBIG'].map(error).map(isDiskFull), [true, true, false]);
  });
});
