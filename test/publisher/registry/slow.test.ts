import { strict as assert } from 'node:assert';
import { gzipSync } from 'node:zlib';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import { FaultServer, type Guard } from '../../support/registry/fault-server.ts';
import { drip, instead, type Fault } from '../../support/registry/faults.ts';
import {
  buildImage,
  describeBlob,
  OCI_INDEX_TYPE,
  OCI_MANIFEST_TYPE,
  plainLayer,
} from '../../support/registry/image.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

/** Each answer alone is far within the limits of a request. */
const PAUSE_MS = 20;

const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });

/** Answers after a pause. */
function slowly(fault: Fault): Fault {
  return (response, content) => void setTimeout(() => fault(response, content), PAUSE_MS);
}

/** One tag more on each page, for ever. */
const ENDLESS_LIST: Fault = (response) => {
  const page = Number(/page=(\d+)/.exec(response.req.url ?? '')?.[1] ?? 0);
  const link = `</v2/lab/tool/tags/list?page=${page + 1}>; rel="next"`;
  response.writeHead(200, { link }).end(JSON.stringify({ tags: [`t${page}`] }));
};

/** Headers without an end. */
const HEADERS: Fault = (response) => {
  const { socket } = response;
  socket?.write('HTTP/1.1 200 OK\r\n');
  const timer = setInterval(() => socket?.write('x: y\r\n'), 5);
  socket?.once('close', () => clearInterval(timer));
};

describe('publisher/registry/slow', () => {
  let slow: FaultServer;
  let good: FaultServer;
  let client: RegistryClient | undefined;
  let nowMs: number;

  beforeEach(async () => {
    [slow, good] = [await FaultServer.start(), await FaultServer.start()];
    for (const server of [slow, good]) {
      server.addImage('lab/tool', '1', IMAGE);
      server.tagPages.set('lab/tool', [['1']]);
    }
    nowMs = 1_000_000;
  });
  afterEach(async () => {
    await client?.close();
    await slow.close();
    await good.close();
  });

  function clientWith(options: Partial<RegistryOptions>): RegistryClient {
    client = quickClient({ nowMs: () => nowMs, outageMemoryMs: 0, ...options });
    return client;
  }

  it('are given up for a list that does not end in time, and set aside, not the others', async () => {
    slow.fail(/tags/, slowly(ENDLESS_LIST));
    const asked = clientWith({ listTimeoutMs: 200, setAsideMs: 60_000 });
    const reference = slow.reference('lab/tool', { tag: '1' });
    const first = await failureOf(asked.listTags(reference));
    assert.equal(first.code, 'registry-timeout');
    assert.match(first.message, /: not all of it came within 0\.2 s$/);
    assert(slow.seen.length > 1);
    slow.seen.length = 0;
    for (const again of [asked.listTags(reference), asked.fetchManifest(reference)]) {
      const refused = await failureOf(again);
      assert.equal(refused.code, 'registry-timeout');
      assert.match(refused.message, /is set aside until .*: not all of it came within 0\.2 s$/);
    }
    assert.deepEqual(slow.seen, []);
    assert.deepEqual((await asked.listTags(good.reference('lab/tool'))).tags, ['1']);
    nowMs += 60_000;
    assert.equal((await asked.fetchManifest(reference)).digest, IMAGE.manifestDigest);
  });

  it('are given up for an image whose documents come one by one', async () => {
    const entries = Array.from({ length: 20 }, (_, index) => {
      const other = { architecture: 's390x', rootfs: { diff_ids: [] }, index };
      const config = describeBlob(
        'application/vnd.oci.image.config.v1+json',
        Buffer.from(JSON.stringify(other)),
      );
      slow.blobs.set(config.digest, Buffer.from(JSON.stringify(other)));
      const manifest = Buffer.from(JSON.stringify({ mediaType: OCI_MANIFEST_TYPE, config, layers: [] }));
      slow.addManifest('lab/many', `${index}`, manifest);
      return describeBlob(OCI_MANIFEST_TYPE, manifest);
    });
    const index = Buffer.from(JSON.stringify({ mediaType: OCI_INDEX_TYPE, manifests: entries }));
    slow.addManifest('lab/many', 'all', index, { 'content-type': OCI_INDEX_TYPE });
    slow.fail(/lab\/many/, (response, content) =>
      slowly(instead(content?.bytes ?? '', content?.headers))(response, content),
    );
    const reference = slow.reference('lab/many', { tag: 'all' });
    const failure = await failureOf(clientWith({ lookTimeoutMs: 10 * PAUSE_MS }).fetchManifest(reference));
    assert.equal(failure.code, 'registry-timeout', failure.message);
    assert(slow.seen.length < 41, `${slow.seen.length} documents were read`);
  });

  it('are given up for a token that drips, however often that would be tried', async () => {
    void new TokenService(slow);
    const { guard } = slow;
    const dripping: Guard = (request, response) => {
      if (request.url?.startsWith('/token') !== true) return guard(request, response);
      drip()(response, undefined);
      return true;
    };
    slow.guard = dripping;
    const reference = slow.reference('lab/tool', { tag: '1' });
    const failure = await failureOf(clientWith({ tokenTimeoutMs: 200 }).fetchManifest(reference));
    assert.equal(failure.code, 'registry-timeout', failure.message);
    assert.match(failure.message, /token/);
  });

  it('are given up for headers without an end', async () => {
    slow.fail(/manifests/, HEADERS);
    const reference = slow.reference('lab/tool', { tag: '1' });
    const failure = await failureOf(clientWith({ lookTimeoutMs: 200 }).fetchManifest(reference));
    assert.equal(failure.code, 'registry-timeout', failure.message);
  });

  it('are not read on where the documents of an image are too large together', async () => {
    const padding = 'x'.repeat(3_000_000);
    const entries = Array.from({ length: 4 }, (_, index) => {
      const manifest = Buffer.from(
        JSON.stringify({ mediaType: OCI_INDEX_TYPE, manifests: [], padding, index }),
      );
      slow.addManifest('lab/large', `${index}`, manifest);
      return describeBlob(OCI_INDEX_TYPE, manifest);
    });
    const index = Buffer.from(JSON.stringify({ mediaType: OCI_INDEX_TYPE, manifests: entries }));
    slow.addManifest('lab/large', 'all', index, { 'content-type': OCI_INDEX_TYPE });
    const failure = await failureOf(
      clientWith({}).fetchManifest(slow.reference('lab/large', { tag: 'all' })),
    );
    assert.equal(failure.code, 'manifest-invalid', failure.message);
    assert.match(failure.message, /more than 8388608 bytes together/);
    assert.equal(slow.seen.length, 3);
  });

  it('unpack nothing here that they packed for the way', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
    slow.fail(/manifests/, instead(bomb, { 'content-encoding': 'gzip' }));
    const failure = await failureOf(clientWith({}).fetchManifest(slow.reference('lab/tool', { tag: '1' })));
    assert.equal(failure.code, 'manifest-invalid', failure.message);
    assert.match(failure.message, /is not valid JSON/);
  });
});
