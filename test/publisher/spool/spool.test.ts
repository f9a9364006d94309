import { strict as assert } from 'node:assert';
import { EventEmitter, once } from 'node:events';
import { readFile, readdir, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { listLayer, type Listing } from '../../../publisher/layer/listing.ts';
import { hexOf } from '../../../core/oci/digest.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import type { BlobSource } from '../../../publisher/spool/blob-download.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { withMount } from '../../support/e2e/mounts.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import {
  cut,
  endless,
  shortened,
  stall,
  stallAfter,
  status,
  wrongBytes,
  type Fault,
} from '../../support/registry/faults.ts';
import { digestOf } from '../../support/registry/image.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

/** More than one write of the spool. */
const BLOB = Buffer.alloc(2_500_000, 'blob');
const DESCRIPTOR = { mediaType: 'x', digest: digestOf(BLOB), sizeBytes: BLOB.length };

const SHORT: Partial<RegistryOptions> = { bodyTimeoutMs: 100 };

/**
 * `requests` counts all that arrived: three tries of a body, four of a request. The server sends whole bodies whatever
 * is asked for; the first half of one gets far enough not to count.
 */
const CASES: readonly {
  readonly what: string;
  readonly fault: Fault;
  readonly times?: number;
  readonly options?: Partial<RegistryOptions>;
  readonly code: FailureCode | 'good';
  readonly requests: number;
  /** Whether a part is left. */
  readonly isLeft?: boolean;
}[] = [
  { what: 'nothing', fault: cut, times: 0, code: 'good', requests: 1 },
  { what: 'a cut body', fault: cut, code: 'registry-error', requests: 4, isLeft: true },
  { what: 'a body cut twice', fault: cut, times: 2, code: 'good', requests: 3 },
  {
    what: 'a stalled body',
    fault: stall,
    options: SHORT,
    code: 'registry-timeout',
    requests: 4,
    isLeft: true,
  },
  { what: 'wrong bytes', fault: wrongBytes, code: 'digest-mismatch', requests: 3 },
  { what: 'wrong bytes once', fault: wrongBytes, times: 1, code: 'good', requests: 2 },
  { what: 'a shorter body', fault: shortened, code: 'digest-mismatch', requests: 3 },
  { what: 'a body without end', fault: endless, code: 'digest-mismatch', requests: 3 },
  { what: '404', fault: status(404), code: 'blob-unknown', requests: 1 },
  { what: '403', fault: status(403), code: 'forbidden', requests: 1 },
  { what: '500', fault: status(500), code: 'registry-error', requests: 4 },
];

describe('publisher/spool/spool', () => {
  let server: FaultServer;
  let directory: string;
  let spool: Spool;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    server.blobs.set(DESCRIPTOR.digest, BLOB);
    directory = join(await temporaryDirectory('spool'), 'state');
    spool = await Spool.open(directory, { retryDelayMs: 1 });
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  async function assertNothingLeft(): Promise<void> {
    assert.deepEqual(await readdir(join(directory, 'tmp')), []);
  }

  for (const { what, fault, times, options, code, requests, isLeft = false } of CASES) {
    it(`${what} is ${code} after ${requests} requests`, async () => {
      await client.close();
      client = quickClient(options);
      server.fail(/blobs/, fault, times);
      const fetching = spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR);
      if (code === 'good') {
        const path = await fetching;
        assert.equal(path, spool.pathOf(DESCRIPTOR.digest));
        assert(BLOB.equals(await readFile(path)));
      } else {
        const failure = await failureOf(fetching);
        assert.equal(failure.code, code, failure.message);
        assert.equal(await spool.has(DESCRIPTOR.digest, BLOB.length), false);
        assert.deepEqual(await readdir(join(directory, 'blobs', 'sha256')), []);
      }
      assert.equal(server.seen.length, requests);
      assert.equal((await readdir(join(directory, 'tmp'))).length, isLeft ? 1 : 0);
    });
  }

  it('keeps blobs where the layout says, and uses them again', async () => {
    const reference = server.reference('lab/tool');
    const path = await spool.fetch(client, reference, DESCRIPTOR);
    assert.equal(path, join(directory, 'blobs', 'sha256', hexOf(DESCRIPTOR.digest)));
    const reopened = await Spool.open(directory);
    assert.equal(await reopened.has(DESCRIPTOR.digest, BLOB.length), true);
    assert.equal(await reopened.has(DESCRIPTOR.digest, BLOB.length + 1), false);
    assert.equal(await reopened.fetch(client, server.reference('lab/other'), DESCRIPTOR), path);
    assert.equal(server.seen.length, 1);
    await reopened.remove(DESCRIPTOR.digest);
    await reopened.remove(DESCRIPTOR.digest);
    assert.equal(await reopened.has(DESCRIPTOR.digest, BLOB.length), false);
  });

  it('leaves some of the disk free', async () => {
    const { blocks, bfree, bsize } = await statfs(directory);
    const reserve = Math.min(1024 ** 3, (blocks * bsize) / 20);
    const otherFiles = 100_000_000;
    assert(reserve > 2 * otherFiles && bfree * bsize > reserve, 'the disk is too small for this test');
    assert((spool.freeBytes ?? 0) <= bfree * bsize - reserve + otherFiles);
  });

  it('replaces a blob that has another size', async () => {
    await writeFile(spool.pathOf(DESCRIPTOR.digest), 'short');
    const path = await spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR);
    assert.equal((await stat(path)).size, BLOB.length);
  });

  it('stores an empty blob', async () => {
    const empty = { mediaType: 'x', digest: digestOf(Buffer.of()), sizeBytes: 0 };
    server.blobs.set(empty.digest, Buffer.of());
    assert.equal((await stat(await spool.fetch(client, server.reference('lab/tool'), empty))).size, 0);
  });

  it('stops at the first byte too many', async () => {
    let given = 0;
    const source: BlobSource = {
      openBlob: () => {
        return Promise.resolve(
          Readable.from(
            pieces((piece) => (given = piece)),
            { highWaterMark: 0 },
          ),
        );
      },
    };
    const failure = await failureOf(spool.fetch(source, server.reference('lab/tool'), DESCRIPTOR));
    assert.equal(failure.code, 'digest-mismatch');
    assert(given <= 3 * 4, `${given} pieces were taken`);
  });

  it('reports the bytes that are there, also after a broken body', async () => {
    const asked: object[] = [];
    const source: BlobSource = {
      openBlob: (_reference, _descriptor, { offset, attempt }) => {
        asked.push({ offset, attempt });
        return Promise.resolve(attempt === 1 ? brokenBody(BLOB) : Readable.from([BLOB.subarray(offset)]));
      },
    };
    const reports: number[] = [];
    const onBytes = (receivedBytes: number): void => {
      reports.push(receivedBytes);
    };
    await spool.fetch(source, server.reference('lab/tool'), DESCRIPTOR, { onBytes });
    assert.deepEqual(reports, [BLOB.length / 2, BLOB.length]);
    assert.deepEqual(asked, [
      { offset: 0, attempt: 1 },
      { offset: BLOB.length / 2, attempt: 2 },
    ]);
  });

  it('lets a layer be listed while it comes, over a broken body', async () => {
    const { bytes, diffId, digest } = await layer(
      Array.from({ length: 40 }, (_, index) => file(`${index}`, `${index}`.repeat(50_000))),
      { compression: 'plain' },
    );
    server.blobs.set(digest, bytes);
    server.fail(/blobs/, cut, 1);
    const listings: Promise<Listing>[] = [];
    const path = await spool.fetch(
      client,
      server.reference('lab/tool'),
      { mediaType: 'x', digest, sizeBytes: bytes.length },
      { onFile: (growing) => listings.push(listLayer(growing.read(), diffId)) },
    );
    assert.equal(server.seen.length, 2);
    assert.deepEqual(await Promise.all(listings), [await listLayer(path, diffId)]);
  });

  describe('when several want one blob', () => {
    const progress = new EventEmitter();

    const onBytes = (): void => {
      progress.emit('bytes');
    };

    async function fetchWith(signal: AbortSignal): Promise<string> {
      return await spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR, { signal, onBytes });
    }

    it('downloads it once', async () => {
      const received: number[] = [0, 0, 0];
      const paths = await Promise.all(
        received.map(async (_, index) => {
          const note = (bytes: number): void => {
            received[index] = bytes;
          };
          return await spool.fetch(client, server.reference(`lab/tool${index}`), DESCRIPTOR, {
            onBytes: note,
          });
        }),
      );
      assert.equal(new Set(paths).size, 1);
      assert.deepEqual(received, [BLOB.length, BLOB.length, BLOB.length]);
      assert.equal(server.seen.length, 1);
    });

    it('asks the own registry where another one drips, and lets that go on', async () => {
      const slow = await FaultServer.start();
      try {
        slow.fail(/blobs/, stallAfter(1_000_000));
        spool = await Spool.open(directory, { patienceMs: 50 });
        const stop = new AbortController();
        const begun = once(progress, 'bytes');
        const [stranger, signal] = [slow.reference('stranger/image'), stop.signal];
        const dripping = failureOf(spool.fetch(client, stranger, DESCRIPTOR, { onBytes, signal }));
        slow.blobs.set(DESCRIPTOR.digest, BLOB);
        await begun;
        const path = await spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR);
        assert(BLOB.equals(await readFile(path)));
        assert.deepEqual([slow.seen.length, server.seen.length], [1, 1]);
        stop.abort();
        assert.equal((await dripping).code, 'interrupted');
      } finally {
        await slow.close();
      }
    });

    it('takes what another registry brings quickly', async () => {
      const other = await FaultServer.start();
      try {
        other.blobs.set(DESCRIPTOR.digest, BLOB);
        const references = [other.reference('lab/tool'), server.reference('lab/tool')];
        await Promise.all(references.map(async (one) => await spool.fetch(client, one, DESCRIPTOR)));
        assert.deepEqual([other.seen.length, server.seen.length], [1, 0]);
      } finally {
        await other.close();
      }
    });

    it('believes no other registry with wrong bytes', async () => {
      const other = await FaultServer.start();
      try {
        other.fail(/blobs/, wrongBytes);
        other.blobs.set(DESCRIPTOR.digest, BLOB);
        const wrong = failureOf(spool.fetch(client, other.reference('lab/tool'), DESCRIPTOR));
        const path = await spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR);
        assert(BLOB.equals(await readFile(path)));
        assert.equal((await wrong).code, 'digest-mismatch');
      } finally {
        await other.close();
      }
    });

    it('does not let one fail because of the other', async () => {
      server.fail(/lab\/private/, status(403));
      const failing = failureOf(spool.fetch(client, server.reference('lab/private'), DESCRIPTOR));
      const good = spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR);
      assert.equal((await failing).code, 'forbidden');
      assert.equal((await stat(await good)).size, BLOB.length);
    });

    it('asks one repository once where both are of it', async () => {
      server.fail(/blobs/, status(403));
      const fetching = [1, 2].map(() =>
        failureOf(spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR)),
      );
      assert.deepEqual(
        (await Promise.all(fetching)).map(({ code }) => code),
        ['forbidden', 'forbidden'],
      );
      assert.equal(server.seen.length, 1);
    });

    it('goes on when one gives up, and stops when all do', async () => {
      const [first, second] = [new AbortController(), new AbortController()];
      server.fail(/blobs/, stall);
      const begun = once(progress, 'bytes');
      const one = failureOf(fetchWith(first.signal));
      const two = failureOf(fetchWith(second.signal));
      await begun;
      first.abort();
      assert.equal((await one).code, 'interrupted');
      assert.equal((await readdir(join(directory, 'tmp'))).length, 1);
      second.abort();
      assert.equal((await two).code, 'interrupted');
      assert.equal(server.seen.length, 1);
      assert.equal((await readdir(join(directory, 'tmp'))).length, 1);
    });

    it('begins anew for one who comes while the download is being stopped', async () => {
      const stop = new AbortController();
      server.fail(/blobs/, stall, 1);
      const begun = once(progress, 'bytes');
      const stopped = failureOf(fetchWith(stop.signal));
      await begun;
      stop.abort();
      await setImmediate();
      const late = spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR);
      assert.equal((await stopped).code, 'interrupted');
      assert.equal((await stat(await late)).size, BLOB.length);
      assert.equal(server.seen.length, 2);
    });
  });

  it('throws the reason of the signal where that is a failure', async () => {
    const stop = new AbortController();
    stop.abort(new Failure('rate-limited', 'text'));
    const fetching = spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR, { signal: stop.signal });
    assert.equal((await failureOf(fetching)).code, 'rate-limited');
    await assertNothingLeft();
  });

  it('is disk-full where the disk is, and leaves nothing', async function () {
    const mount = { type: 'tmpfs', options: 'size=64k' } as const;
    await withMount(this, join(directory, 'tmp'), mount, async () => {
      const failure = await failureOf(spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR));
      assert.equal(failure.code, 'disk-full');
      assert(
        failure.message.includes(directory) && /^no room for .* free\)$/.test(failure.message),
        failure.message,
      );
      assert.equal(server.seen.length, 1);
      await assertNothingLeft();
    });
  });

  it('follows no link that has taken the place of a part', async () => {
    const file = join(await temporaryDirectory('spool'), 'file');
    await writeFile(file, 'precious');
    await symlink(file, join(directory, 'tmp', `${hexOf(DESCRIPTOR.digest)}.part`));
    const failure = await failureOf(spool.fetch(client, server.reference('lab/tool'), DESCRIPTOR));
    assert.equal(failure.code, 'state-unusable');
    assert.equal(await readFile(file, 'utf8'), 'precious');
  });

  it('is state-unusable where the directory is a file', async () => {
    const file = join(await temporaryDirectory('spool'), 'file');
    await writeFile(file, '');
    assert.equal((await failureOf(Spool.open(file))).code, 'state-unusable');
    assert.equal((await failureOf(Spool.open(join(file, 'state')))).code, 'state-unusable');
  });
});

/** The first half of `bytes`, then the failure of a connection that broke. */
async function* brokenBody(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, bytes.length / 2);
  await setImmediate();
  throw new Failure('registry-error', 'the connection broke');
}

/** Pieces of 1 MB without end; `onPiece` gets the number of each. */
function* pieces(onPiece: (piece: number) => void): Generator<Uint8Array> {
  for (let piece = 1; ; piece += 1) {
    onPiece(piece);
    yield Buffer.alloc(1_000_000);
  }
}
