import assert from 'node:assert/strict';
import { outputNames } from '../../../core/outputs.ts';
import { OUTPUTS } from '../../../publisher/outputs/outputs.ts';

describe('publisher/outputs/outputs', () => {
  it('has the work of each output that is declared', () => {
    assert.deepEqual(OUTPUTS.map(({ name }) => name).sort(), outputNames().sort());
  });
});
