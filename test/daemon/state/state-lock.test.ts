import assert from 'node:assert/strict';
import { isDaemonRunning, lockState } from '../../../daemon/state/state-lock.ts';
import { isFailure } from '../../../core/failure.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/state/state-lock', () => {
  it('is had by one daemon at a time, and tells whether there is one', async () => {
    const state = await temporaryDirectory('state');
    assert.equal(isDaemonRunning(state), false);
    const lock = await lockState(state);
    assert.equal(isDaemonRunning(state), true);
    await assert.rejects(lockState(state), (error) => {
      assert.ok(isFailure(error, 'state-unusable'));
      // The lock file names this process, which says nothing of another holder.
      assert.equal(error.message, `another daemon uses this state: the state directory ${state} is in use`);
      return true;
    });
    lock.release();
    assert.equal(isDaemonRunning(state), false);
  });

  it('is waited for where somebody has it for a moment only, as a command that looks does', async () => {
    const state = await temporaryDirectory('state');
    const looking = await lockState(state);
    setTimeout(() => looking.release(), 50);
    (await lockState(state)).release();
  });
});
