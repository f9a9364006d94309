import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { readAhead } from '../../../../publisher/repository/cvmfs/read-ahead.ts';

/** Chunks of one byte, and how many were made, whether it was closed. */
class Source {
  made = 0;
  isClosed = false;
  readonly #count: number;
  readonly #error: Error | undefined;

  constructor(count: number, error?: Error) {
    this.#count = count;
    this.#error = error;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (; this.made < this.#count; await setImmediate()) yield Uint8Array.of(this.made++);
      if (this.#error !== undefined) throw this.#error;
    } finally {
      this.isClosed = true;
    }
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

describe('publisher/repository/cvmfs/read-ahead', () => {
  it('gives all chunks in their order', async () => {
    const source = new Source(100);
    const given: number[] = [];
    for await (const [byte = -1] of readAhead(source.chunks(), 7)) {
      given.push(byte);
      if (given.length % 10 === 0) await settled();
    }
    assert.deepEqual(
      given,
      Array.from({ length: 100 }, (_, index) => index),
    );
    assert.equal(source.isClosed, true);
  });

  it('lets the source work ahead, but not further than the limit', async () => {
    const source = new Source(100);
    const chunks = readAhead(source.chunks(), 7);
    await chunks.next();
    await settled();
    assert.equal(source.made, 8);
    await chunks.return(undefined);
  });

  it('tells which chunks its reader is done with, in their order', async () => {
    const source = new Source(20);
    const read: Uint8Array[] = [];
    let given = 0;
    for await (const [byte = -1] of readAhead(source.chunks(), 7, (chunk) => read.push(chunk))) {
      assert.equal(read.length, byte);
      given++;
    }
    assert.deepEqual(
      read.map(([byte]) => byte),
      Array.from({ length: given }, (_, index) => index),
    );
  });

  it('stops the source when its reader does', async () => {
    const source = new Source(100);
    for await (const _ of readAhead(source.chunks(), 7)) break;
    assert.equal(source.isClosed, true);
    assert.ok(source.made < 100);
  });

  it('throws what the source throws, after the chunks before it', async () => {
    const error = new Error('broken');
    const source = new Source(3, error);
    let given = 0;
    await assert.rejects(async () => {
      for await (const _ of readAhead(source.chunks(), 7)) given++;
    }, error);
    assert.equal(given, 3);
  });

  it('throws it only to its reader, who may be busy when the source breaks', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listen);
    try {
      const error = new Error('broken');
      await assert.rejects(async () => {
        for await (const _ of readAhead(new Source(3, error).chunks(), 7)) await settled();
      }, error);
    } finally {
      process.off('unhandledRejection', listen);
    }
    assert.deepEqual(unhandled, []);
  });

  it('is empty where the source is', async () => {
    for await (const _ of readAhead(new Source(0).chunks(), 7)) assert.fail('no chunk');
  });
});
