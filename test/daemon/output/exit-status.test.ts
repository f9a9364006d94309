import assert from 'node:assert/strict';
import { EXIT_STATUS_HELP, exitStatusOf } from '../../../daemon/output/exit-status.ts';
import type { FailureCode } from '../../../core/failure.ts';

describe('daemon/output/exit-status', () => {
  const cases: readonly (readonly [FailureCode, number])[] = [
    ['configuration-invalid', 2],
    ['recipe-unreadable', 2],
    ['recipe-invalid', 2],
    ['repository-unusable', 3],
    ['repository-busy', 3],
    ['disk-full', 3],
    ['state-unusable', 3],
    ['interrupted', 130],
    ['reference-invalid', 1],
    ['tag-unknown', 1],
    ['digest-mismatch', 1],
    ['repository-conflict', 1],
  ];
  for (const [code, status] of cases) {
    it(`is ${status} after ${code}`, () => assert.equal(exitStatusOf({ code }), status));
  }

  it('is documented for each value', () => {
    assert.deepEqual(
      EXIT_STATUS_HELP.map(([status]) => status),
      [0, 1, 2, 3, 70, 130],
    );
  });
});
