import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { firstConnection } from '../../../core/http/first-connection.ts';

/** A connection that does what a test says, when it says so. */
class FakeSocket extends EventEmitter {
  isDestroyed = false;

  destroy(): this {
    this.isDestroyed = true;
    return this;
  }
}

const FOREVER_MS = 2 ** 31 - 1;

describe('core/http/first-connection', () => {
  let sockets: FakeSocket[];
  let opened: string[];
  let end: AbortController;

  beforeEach(() => {
    sockets = [];
    opened = [];
    end = new AbortController();
  });

  function begin(addresses: readonly string[], delayMs: number): Promise<Socket> {
    const open = (address: string): Socket => {
      opened.push(address);
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as Socket;
    };
    return firstConnection(addresses, open, { delayMs, signal: end.signal });
  }

  function fail(index: number, code: string): void {
    sockets[index]?.emit('error', Object.assign(new Error(code), { code }));
  }

  async function until(count: number): Promise<void> {
    while (opened.length < count) await setImmediate();
  }

  it('tries the next address at once where one fails, and no more when one stands', async () => {
    const connecting = begin(['a', 'b', 'c'], FOREVER_MS);
    fail(0, 'ECONNREFUSED');
    sockets[1]?.emit('connect');
    assert.equal(await connecting, sockets[1]);
    assert.deepEqual(opened, ['a', 'b']);
  });

  it('goes on with a slow address while it tries others, and takes whichever stands first', async () => {
    const connecting = begin(['slow', 'dead', 'dead too'], 1);
    await until(3);
    assert.deepEqual(
      sockets.map(({ isDestroyed }) => isDestroyed),
      [false, false, false],
    );
    sockets[0]?.emit('connect');
    assert.equal(await connecting, sockets[0]);
    assert.deepEqual(
      sockets.map(({ isDestroyed }) => isDestroyed),
      [false, true, true],
    );
  });

  it('waits for slow addresses when the last one has failed', async () => {
    const connecting = begin(['slow', 'refusing'], 1);
    await until(2);
    fail(1, 'ECONNREFUSED');
    sockets[0]?.emit('connect');
    assert.equal(await connecting, sockets[0]);
  });

  it('finds the last of many addresses', async () => {
    const addresses = Array.from({ length: 50 }, (_, index) => `address ${index}`);
    const connecting = begin(addresses, FOREVER_MS);
    for (let index = 0; index < 49; index += 1) fail(index, 'EHOSTUNREACH');
    sockets[49]?.emit('connect');
    assert.equal(await connecting, sockets[49]);
  });

  it('leaves the socket to whoever asked for it, with no listener of its own', async () => {
    const connecting = begin(['a'], FOREVER_MS);
    sockets[0]?.emit('connect');
    await connecting;
    assert.equal(sockets[0]?.listenerCount('error'), 0);
  });

  for (const [codes, told] of [
    [['ECONNREFUSED'], 'ECONNREFUSED'],
    [['ECONNREFUSED', 'ENETUNREACH'], 'ECONNREFUSED'],
    [['ENETUNREACH', 'ECONNREFUSED'], 'ECONNREFUSED'],
    [['EADDRNOTAVAIL', 'ENETUNREACH'], 'EADDRNOTAVAIL'],
    [['ETIMEDOUT', 'ECONNREFUSED'], 'ETIMEDOUT'],
  ] as const) {
    it(`tells ${told} where ${codes.join(' and ')} happened`, async () => {
      const connecting = begin(codes, FOREVER_MS);
      for (const [index, code] of codes.entries()) fail(index, code);
      await assert.rejects(connecting, { code: told });
    });
  }

  it('gives everything up when the signal is aborted', async () => {
    const connecting = begin(['a', 'b', 'c'], 1);
    await until(2);
    end.abort(new Error('late'));
    await assert.rejects(connecting, { message: 'late' });
    assert(sockets.every(({ isDestroyed }) => isDestroyed));
    await assert.rejects(begin(['a'], FOREVER_MS), { message: 'late' });
  });
});
