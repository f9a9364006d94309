import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { interruption } from '../../../core/interruption.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { BlobSource } from '../../../publisher/spool/blob-download.ts';
import type { DownloadListener } from '../../../publisher/spool/download.ts';
import type { GrowingFile } from '../../../publisher/spool/growing-file.ts';
import { partName } from '../../../publisher/spool/spool-files.ts';
import { Spool, type SpoolOptions } from '../../../publisher/spool/spool.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { BlobServer, type Manner } from '../../support/registry/blob-server.ts';
import { GeneratedBlob } from '../../support/registry/generated-blob.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const MB = 1_000_000;
const BLOB = new GeneratedBlob(10 * MB);
const OTHER = new GeneratedBlob(10 * MB, 'other');
const { descriptor: DESCRIPTOR } = BLOB;

/** What a cut connection can take along: more was sent than the client's buffers had given out. */
const IN_FLIGHT_BYTES = 1.25 * 1024 * 1024;

/** The first try of each case: it gets far enough not to count. */
const CUT: Manner = { cutAfterBytes: 6 * MB };

/** A try that counts. */
const CUT_SOON: Manner = { cutAfterBytes: 100_000 };

/** What follows after {@link CUT}. All numbers of bytes and requests are of the whole. */
const CASES: readonly {
  readonly what: string;
  readonly next: readonly Manner[];
  readonly code: FailureCode | 'good';
  readonly requests: number;
  readonly sentBytes: number;
  /** Of a body that is refused unread some is on its way. */
  readonly unreadBytes?: number;
  /** Whether a part stays. */
  readonly isLeft?: boolean;
}[] = [
  { what: 'a range that is honored', next: [], code: 'good', requests: 2, sentBytes: 10 * MB },
  { what: 'two more cuts', next: [CUT_SOON, CUT_SOON], code: 'good', requests: 4, sentBytes: 10 * MB },
  {
    what: 'a range that is ignored',
    next: [{ range: 'ignored' }],
    code: 'good',
    requests: 2,
    sentBytes: 16 * MB,
  },
  {
    what: 'a range that is ignored, and a cut before it',
    next: [{ range: 'ignored', cutAfterBytes: 4 * MB }],
    code: 'good',
    requests: 3,
    sentBytes: 14 * MB,
  },
  {
    what: 'ranges that are ignored, and cuts before them',
    next: Array.from({ length: 9 }, () => ({ range: 'ignored' as const, cutAfterBytes: 4 * MB })),
    code: 'registry-error',
    requests: 4,
    sentBytes: 18 * MB,
    isLeft: true,
  },
  {
    what: 'cuts that bring little',
    next: Array.from({ length: 9 }, () => CUT_SOON),
    code: 'registry-error',
    requests: 4,
    sentBytes: 6.3 * MB,
    isLeft: true,
  },
  { what: '416', next: [{ range: 'refused' }], code: 'good', requests: 3, sentBytes: 16 * MB },
  {
    what: '416, and cuts that bring little',
    next: [{ range: 'refused' }, CUT_SOON, CUT_SOON],
    code: 'registry-error',
    requests: 4,
    sentBytes: 6.2 * MB,
    isLeft: true,
  },
  {
    what: '416 each time',
    next: [{ range: 'refused' }, CUT, { range: 'refused' }, CUT, { range: 'refused' }],
    code: 'registry-error',
    requests: 6,
    sentBytes: 18 * MB,
  },
  {
    what: 'a range that begins elsewhere',
    next: [{ contentRange: 'bytes 0-9999999/10000000' }],
    code: 'good',
    requests: 3,
    sentBytes: 16 * MB,
    unreadBytes: 5.25 * MB,
  },
  {
    what: 'a range of a blob of another size',
    next: [{ totalBytes: 10 * MB + 1 }],
    code: 'good',
    requests: 3,
    sentBytes: 16 * MB,
    unreadBytes: 5.25 * MB,
  },
  { what: 'a longer rest', next: [{ endBytes: 10 * MB + 1 }], code: 'good', requests: 3, sentBytes: 20 * MB },
  {
    what: 'a shorter rest',
    next: [{ endBytes: 10 * MB - 1 }],
    code: 'good',
    requests: 3,
    sentBytes: 20 * MB - 1,
  },
  { what: 'another rest', next: [{ content: OTHER }], code: 'good', requests: 3, sentBytes: 20 * MB },
  {
    what: 'another rest, and then cuts that bring much',
    next: [{ content: OTHER }, { cutAfterBytes: 3 * MB }, { cutAfterBytes: 3 * MB }],
    code: 'good',
    requests: 5,
    sentBytes: 20 * MB,
  },
  {
    what: 'other bytes each time',
    next: Array.from({ length: 9 }, () => ({ content: OTHER })),
    code: 'digest-mismatch',
    requests: 4,
    sentBytes: 30 * MB,
  },
];

describe('publisher/spool/blob-download', () => {
  let server: BlobServer;
  let directory: string;
  let part: string;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await BlobServer.start(BLOB);
    directory = await temporaryDirectory('resume');
    await Spool.open(directory);
    part = join(directory, 'tmp', partName(DESCRIPTOR.digest));
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  /** In a spool of its own, as another process has it. */
  async function fetch(
    listener: DownloadListener = {},
    options: Partial<SpoolOptions> = {},
  ): Promise<string> {
    const spool = await Spool.open(directory, { retryDelayMs: 1, ...options });
    return await spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR, listener);
  }

  function assertSent(sentBytes: number, moreBytes: number): void {
    const message = `${server.sentBytes} bytes were sent`;
    assert(server.sentBytes >= sentBytes && server.sentBytes <= sentBytes + moreBytes, message);
  }

  async function parts(): Promise<string[]> {
    return await readdir(join(directory, 'tmp'));
  }

  for (const { what, next, code, requests, sentBytes, unreadBytes = 0, isLeft = false } of CASES) {
    it(`${what} is ${code} after ${requests} requests`, async () => {
      server.manners.push(CUT, ...next);
      if (code === 'good') await assertRight(await fetch(), BLOB);
      else assert.equal((await failureOf(fetch())).code, code);
      assert.equal(server.ranges.length, requests);
      const cuts = [CUT, ...next]
        .slice(0, requests)
        .filter(({ cutAfterBytes }) => cutAfterBytes !== undefined);
      assertSent(sentBytes, unreadBytes + cuts.length * IN_FLIGHT_BYTES);
      assert.equal((await parts()).length, isLeft ? 1 : 0);
    });
  }

  it('brings 200 MB that are cut five times once in sum', async () => {
    const blob = new GeneratedBlob(200 * MB);
    const large = await BlobServer.start(blob);
    try {
      large.manners.push(...[20, 35, 50, 10, 45].map((size) => ({ cutAfterBytes: size * MB })));
      const spool = await Spool.open(directory, { retryDelayMs: 1 });
      const reference = large.reference('lab/large');
      await assertRight(await spool.fetch(client, reference, blob.descriptor), blob);
      assert.equal(large.ranges.length, 6);
      const inFlightBytes = large.sentBytes - blob.descriptor.sizeBytes;
      assert(inFlightBytes >= 0 && inFlightBytes <= 5 * IN_FLIGHT_BYTES, `${inFlightBytes} bytes came twice`);
    } finally {
      await large.close();
    }
  });

  describe('with a part of an earlier process', () => {
    async function leave(bytes: Iterable<Buffer>, ageDays = 0): Promise<void> {
      await writeFile(part, Buffer.concat([...bytes]));
      const timeS = Date.now() / 1000 - ageDays * 24 * 60 * 60;
      await utimes(part, timeS, timeS);
    }

    for (const [what, left, ageDays, ranges, sentBytes] of [
      ['goes on with it', BLOB.bytes(0, 8 * MB), 2, ['bytes=8000000-'], 2 * MB],
      ['goes on with no byte', BLOB.bytes(0, 0), 0, [undefined], 10 * MB],
      ['begins anew where it is too old', BLOB.bytes(0, 8 * MB), 4, [undefined], 10 * MB],
      ['asks for nothing where it is complete', BLOB.bytes(0, 10 * MB), 0, [], 0],
      ['begins anew where it is complete and wrong', OTHER.bytes(0, 10 * MB), 0, [undefined], 10 * MB],
      ['begins anew where it is too large', BLOB.bytes(0, 10 * MB + 1), 0, [undefined], 10 * MB],
      [
        'begins anew where it turns out wrong',
        OTHER.bytes(0, 7 * MB),
        0,
        ['bytes=7000000-', undefined],
        13 * MB,
      ],
    ] as const) {
      it(what, async () => {
        await leave(left, ageDays);
        await assertRight(await fetch(), BLOB);
        assert.deepEqual(server.ranges, ranges);
        assertSent(sentBytes, 0);
        assert.deepEqual(await parts(), []);
      });
    }

    it('needs no try for one that is complete and wrong', async () => {
      await leave(OTHER.bytes(0, 10 * MB));
      await assertRight(await fetch({}, { tries: 1 }), BLOB);
    });

    it('stops while it is read', async () => {
      await leave(BLOB.bytes(0, 8 * MB));
      const stop = new AbortController();
      const onBytes = (): void => {
        stop.abort();
      };
      assert.equal((await failureOf(fetch({ onBytes, signal: stop.signal }))).code, 'interrupted');
      assert.deepEqual(server.ranges, []);
      assert.equal((await stat(part)).size, 8 * MB);
    });
  });

  it('does not care how a body ends of which nothing is missing', async () => {
    const attempts: number[] = [];
    const source: BlobSource = {
      openBlob: (_reference, _descriptor, { attempt }) => {
        attempts.push(attempt);
        return Promise.resolve(brokenAtTheEnd());
      },
    };
    const spool = await Spool.open(directory);
    await assertRight(await spool.fetch(source, server.reference('lab/tool'), DESCRIPTOR), BLOB);
    assert.deepEqual(attempts, [1]);
  });

  it('leaves what came to the next process when it is stopped', async () => {
    const stop = new AbortController();
    let cameBytes = 0;
    const onBytes = (bytes: number): void => {
      cameBytes = bytes;
      if (bytes > 2 * MB) stop.abort();
    };
    assert.equal((await failureOf(fetch({ onBytes, signal: stop.signal }))).code, 'interrupted');
    const { size } = await stat(part);
    assert(size >= cameBytes);
    await assertRight(await fetch(), BLOB);
    assert.deepEqual(server.ranges, [undefined, `bytes=${size}-`]);
  });

  it('ends when its time is over, and leaves what came', async () => {
    const source: BlobSource = {
      openBlob: (_reference, _descriptor, { signal }) => Promise.resolve(stalled(MB, signal)),
    };
    const spool = await Spool.open(directory, { downloadTimeoutMs: 1000 });
    const failure = await failureOf(spool.fetch(source, server.reference('lab/tool'), DESCRIPTOR));
    assert.equal(failure.code, 'registry-timeout');
    assert(failure.message.includes(`${MB} of ${10 * MB} bytes`), failure.message);
    assert.equal((await stat(part)).size, MB);
  });

  it('ends for a body that is too slow for its size, and its registry is told so', async () => {
    const told: string[] = [];
    const source: BlobSource = {
      openBlob: () => Promise.resolve(dripping()),
      tooSlow: (reference, { message }, { attempt }) =>
        void told.push(`${reference.repository} ${attempt} ${/comes too slowly/.test(message)}`),
    };
    const limits = { floorMs: 20, rateBytesPerSecond: 10 * MB };
    const spool = await Spool.open(directory, limits);
    const failure = await failureOf(spool.fetch(source, server.reference('lab/tool'), DESCRIPTOR));
    assert.equal(failure.code, 'registry-timeout');
    assert.deepEqual(told, ['lab/tool 1 true']);
    assert((await stat(part)).size > 0);
  });

  it('lets a body be slow for a while that is quick before and after', async () => {
    const spool = await Spool.open(directory, { floorMs: 60_000, rateBytesPerSecond: 10 * MB });
    const client: BlobSource = { openBlob: () => Promise.resolve(pausing()) };
    await assertRight(await spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR), BLOB);
  });

  describe('while it is read', () => {
    interface Reading {
      /** What those got who read each file while it grew. */
      readonly files: readonly (Buffer | Error)[];
      readonly bytes: readonly number[];
    }

    async function fetchAndRead(): Promise<Reading> {
      const readings: Promise<Buffer | Error>[] = [];
      const bytes: number[] = [];
      await fetch({
        onFile: (file: GrowingFile) => {
          readings.push(buffer(file.read()).catch((error: Error) => error));
        },
        onBytes: (receivedBytes) => {
          bytes.push(receivedBytes);
        },
      });
      return { files: await Promise.all(readings), bytes };
    }

    function isBlob(read: Buffer | Error | undefined): boolean {
      return Buffer.isBuffer(read) && read.equals(Buffer.concat([...BLOB.bytes(0, 10 * MB)]));
    }

    it('goes on over broken bodies', async () => {
      server.manners.push(CUT, CUT_SOON);
      const { files, bytes } = await fetchAndRead();
      assert.deepEqual(files.map(isBlob), [true]);
      assert.deepEqual(
        bytes,
        bytes.toSorted((one, other) => one - other),
      );
      assert.equal(bytes.at(-1), 10 * MB);
    });

    it('begins with what an earlier process left', async () => {
      await writeFile(part, Buffer.concat([...BLOB.bytes(0, 8 * MB)]));
      const { files, bytes } = await fetchAndRead();
      assert.deepEqual(files.map(isBlob), [true]);
      assert(bytes.includes(8 * MB));
      assert.equal(bytes.at(-1), 10 * MB);
    });

    it('fails where the download begins anew, which is read by itself', async () => {
      server.manners.push(CUT, { range: 'refused' });
      const { files, bytes } = await fetchAndRead();
      const [given, whole] = files;
      assert(given instanceof Error && isBlob(whole) && files.length === 2);
      assert.deepEqual(
        bytes.filter((received, index) => received < (bytes[index - 1] ?? 0)),
        [0],
      );
      assert.equal(bytes.at(-1), 10 * MB);
    });
  });
});

/** The first bytes of the blob, then nothing more until `signal` is aborted. */
async function* stalled(bytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* BLOB.bytes(0, bytes);
  if (!signal.aborted) await once(signal, 'abort');
  throw interruption(signal);
}

async function* brokenAtTheEnd(): AsyncGenerator<Uint8Array> {
  yield* BLOB.bytes(0, 10 * MB);
  throw await Promise.resolve(new Failure('registry-error', 'the connection broke'));
}

/** Compares piece by piece: neither is held whole. */
async function assertRight(path: string, blob: GeneratedBlob): Promise<void> {
  const { sizeBytes } = blob.descriptor;
  assert.equal((await stat(path)).size, sizeBytes);
  const expected = blob.bytes(0, sizeBytes);
  for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 })) {
    assert((chunk as Buffer).equals(expected.next().value ?? Buffer.of()));
  }
}

/** A byte every few milliseconds. */
async function* dripping(): AsyncGenerator<Uint8Array> {
  const [first] = BLOB.bytes(0, 1_000);
  for (const byte of first ?? []) {
    yield Uint8Array.of(byte);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function* pausing(): AsyncGenerator<Uint8Array> {
  yield* BLOB.bytes(0, MB);
  await new Promise((resolve) => setTimeout(resolve, 50));
  yield* BLOB.bytes(MB, 10 * MB);
}
