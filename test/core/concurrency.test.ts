import { strict as assert } from 'node:assert';
import { Slots } from '../../core/concurrency.ts';
import { failureOf } from '../support/registry/quick-client.ts';

const NEVER = new AbortController().signal;

describe('core/concurrency', () => {
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

  it('gives what becomes free to the key that has the fewest', async () => {
    const slots = new Slots(() => 4, 4);
    const order: string[] = [];
    const take = async (key: string): Promise<void> => {
      const release = await slots.take(key, NEVER);
      order.push(key);
      releases.push(release);
    };
    const releases: (() => void)[] = [];
    for (let number = 0; number < 4; number++) await take('slow');
    const waiting = ['slow', 'slow', 'good', 'good', 'other'].map(take);
    for (const release of releases.splice(0)) release();
    await new Promise(setImmediate);
    assert.deepEqual(order.slice(4), ['good', 'other', 'slow', 'slow']);
    for (const release of releases.splice(0)) release();
    await Promise.all(waiting);
    assert.equal(order.length, 9);
  });

  it('keeps some from the key that has the most it may', async () => {
    const slots = new Slots(() => 2, 3);
    const releases = await Promise.all([slots.take('slow', NEVER), slots.take('slow', NEVER)]);
    let isThird = false;
    const third = slots.take('slow', NEVER).then(() => (isThird = true));
    await slots.take('good', NEVER);
    assert.equal(isThird, false);
    releases[0]();
    await third;
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
