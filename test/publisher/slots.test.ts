import { strict as assert } from 'node:assert';
import { Slots } from '../../publisher/slots.ts';
import { failureOf } from '../support/registry/quick-client.ts';

const NEVER = new AbortController().signal;

describe('slots', () => {
  it('lets so many run for one key, the others in order', async () => {
    const slots = new Slots((key) => (key === 'a' ? 2 : 1));
    const order: number[] = [];
    const take = async (number: number): Promise<() => void> => {
      const release = await slots.take('a', NEVER);
      order.push(number);
      return release;
    };
    const [first, second] = await Promise.all([take(1), take(2)]);
    const third = take(3);
    const fourth = take(4);
    await slots.take('b', NEVER);
    assert.deepEqual(order, [1, 2]);
    first?.();
    first?.();
    (await third)();
    await fourth;
    second?.();
    await take(5);
    assert.deepEqual(order, [1, 2, 3, 4, 5]);
  });

  it('gives up waiting when the signal is aborted, and loses no slot', async () => {
    const slots = new Slots(() => 1);
    const release = await slots.take('a', NEVER);
    const stop = new AbortController();
    const waiting = failureOf(slots.take('a', stop.signal));
    stop.abort();
    assert.equal((await waiting).code, 'interrupted');
    release();
    await slots.take('a', NEVER);
    assert.equal((await failureOf(slots.take('b', stop.signal))).code, 'interrupted');
  });
});
