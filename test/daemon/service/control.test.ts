import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startControl } from '../../../daemon/service/control.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/service/control', () => {
  it('does not listen on a part of a path that is too long for a socket', async () => {
    const folder = await temporaryDirectory('control');
    const controls = { activity: () => assert.fail('nobody asks'), wake: () => undefined };
    const control = await startControl(join(folder, 'x'.repeat(107)), controls);
    assert.equal(control, 'ENAMETOOLONG');
    assert.deepEqual(readdirSync(folder), []);
  });
});
