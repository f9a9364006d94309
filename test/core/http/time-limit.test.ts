import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { TimeLimit } from '../../../core/http/time-limit.ts';

describe('registry/http/time-limit', () => {
  it('ends while it runs', async () => {
    const limit = new TimeLimit(1);
    const ended = once(limit.signal, 'abort');
    limit.resume();
    limit.resume();
    await ended;
    assert.equal(limit.isOver, true);
  });

  it('does not end before it was begun, nor while it pauses', async () => {
    const fresh = new TimeLimit(0);
    const paused = new TimeLimit(1);
    paused.resume();
    paused.pause();
    paused.pause();
    const later = new TimeLimit(5);
    const ended = once(later.signal, 'abort');
    later.resume();
    await ended;
    assert.deepEqual([fresh.isOver, paused.isOver], [false, false]);
  });

  it('goes on after a pause', async () => {
    const limit = new TimeLimit(2);
    limit.resume();
    limit.pause();
    const ended = once(limit.signal, 'abort');
    limit.resume();
    await ended;
  });
});
