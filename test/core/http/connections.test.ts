import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { RequestRecord } from '../../../core/http/options.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { cut, drop, redirect, status, silence, stall } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

const LAYER = plainLayer(Buffer.alloc(100_000));
const IMAGE = buildImage({ layers: [LAYER] });
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

describe('core/http/connections: core/http/connections, records of requests', () => {
  let server: FaultServer;
  let client: RegistryClient;
  let records: RequestRecord[];

  beforeEach(async () => {
    records = [];
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', IMAGE);
    client = quickClient({ tries: 2, onRequest: (record) => records.push(record) });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  /** Without the address of the server and the time that it took. */
  function told(): unknown[] {
    return records.map(({ method, url, status: code, error, tryNumber, bytes, isAuthorized, durationMs }) => {
      assert(durationMs >= 0 && url.startsWith(`http://${server.host}/`));
      const path = url.slice(`http://${server.host}`.length);
      return [method, path, code, error === undefined, tryNumber, bytes, isAuthorized];
    });
  }

  const MANIFEST = '/v2/lab/tool/manifests/1';
  const BLOB = `/v2/lab/tool/blobs/${LAYER.diffId}`;

  it('tells of the challenge, the token and the answer, without what is secret', async () => {
    new TokenService(server).revoke();
    await client.fetchManifest(server.reference('lab/tool', { tag: '1' }));
    assert.deepEqual(told(), [
      ['GET', MANIFEST, 401, true, 1, 0, false],
      ['GET', '/token', 200, true, 1, records[1]?.bytes, false],
      ['GET', MANIFEST, 200, true, 1, IMAGE.manifest.length, true],
    ]);
    assert(!JSON.stringify(records).includes('secret'));
  });

  it('counts tries, and says what broke', async () => {
    server.fail(/manifests/, drop, 1);
    await client.fetchManifest(server.reference('lab/tool', { tag: '1' }));
    assert.deepEqual(told(), [
      ['GET', MANIFEST, undefined, false, 1, 0, false],
      ['GET', MANIFEST, 200, true, 2, IMAGE.manifest.length, false],
    ]);
  });

  it('tells of a redirect, without the query', async () => {
    server.fail(/v2.*blobs/, redirect('/stored?signature=secret'));
    server.fail(/stored/, (response) => response.end(LAYER.bytes));
    await collect(await client.openBlob(server.reference('lab/tool'), DESCRIPTOR));
    assert.deepEqual(told(), [
      ['GET', BLOB, 307, true, 1, 0, false],
      ['GET', '/stored', 200, true, 1, LAYER.bytes.length, false],
    ]);
  });

  it('tells of a body when it has ended, and how much of it came', async () => {
    server.fail(/blobs/, cut, 1);
    const reference = server.reference('lab/tool');
    const body = await client.openBlob(reference, DESCRIPTOR);
    assert.deepEqual(records, []);
    await failureOf(collect(body));
    assert.deepEqual(told(), [['GET', BLOB, 200, false, 1, LAYER.bytes.length / 2, false]]);
  });

  it('tells of refusals', async () => {
    server.fail(/tags/, status(404, { code: 'NAME_UNKNOWN' }));
    await failureOf(client.listTags(server.reference('lab/tool')));
    assert.deepEqual(told(), [
      ['GET', '/v2/lab/tool/tags/list', 404, true, 1, records[0]?.bytes, false],
      ['GET', '/v2/', 200, true, 1, 2, false],
    ]);
  });

  it('is silent about what is not sent', async () => {
    server.fail(/./, status(429, { headers: { 'retry-after': '3600' } }));
    const reference = server.reference('lab/tool', { tag: '1' });
    await failureOf(client.fetchManifest(reference));
    await failureOf(client.fetchManifest(reference));
    assert.equal(records.length, 1);
  });
});

describe('core/http/connections: core/http/client, when a registry cannot be reached', () => {
  let server: FaultServer;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
    client = quickClient({ tries: 2 });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it('says so for a refused connection', async () => {
    const reference = server.reference('lab/tool', { tag: '1' });
    await server.close();
    const failure = await failureOf(client.fetchManifest(reference));
    server = await FaultServer.start();
    assert.equal(failure.code, 'registry-unreachable');
    assert(
      failure.message.includes(reference.registry) && failure.message.includes('refused'),
      failure.message,
    );
  });

  it('says so for a name that does not exist', async () => {
    const failure = await failureOf(client.listTags(parseReference('http://registry.invalid/a/b')));
    assert.equal(failure.code, 'dns-failed');
    assert(failure.message.includes('registry.invalid'));
  });

  it('says so for a server without TLS, and tries it once', async () => {
    const reference = { ...server.reference('lab/tool', { tag: '1' }), scheme: 'https' } as const;
    assert.equal((await failureOf(client.fetchManifest(reference))).code, 'tls-failed');
    assert.equal(server.seen.length, 0);
  });

  it('does not ask again for a while, not for other images either', async () => {
    server.fail(/./, drop);
    const first = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: '1' })));
    assert.equal(server.seen.length, 2);
    const second = await failureOf(client.listTags(server.reference('lab/other')));
    assert.deepEqual([first.code, second.code], ['registry-unreachable', 'registry-unreachable']);
    assert(second.message.includes('lab/other'));
    assert.equal(server.seen.length, 2);
  });

  it('asks again after that', async () => {
    await client.close();
    client = quickClient({ tries: 2, outageMemoryMs: 0 });
    server.fail(/./, drop, 2);
    const reference = server.reference('lab/tool', { tag: '1' });
    assert.equal((await failureOf(client.fetchManifest(reference))).code, 'registry-unreachable');
    assert.equal((await client.fetchManifest(reference)).layers.length, 1);
  });

  it('does not take a registry for dead that stalls in one body', async () => {
    await client.close();
    client = quickClient({ tries: 2, bodyTimeoutMs: 100 });
    server.fail(/blobs/, stall);
    const reference = server.reference('lab/tool', { tag: '1' });
    const descriptor = { mediaType: 'x', digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };
    const body = await client.openBlob(reference, descriptor);
    assert.equal((await failureOf(collect(body))).code, 'registry-timeout');
    assert.equal((await client.fetchManifest(reference)).layers.length, 1);
  });

  it('does not take a registry for dead that answers others meanwhile', async () => {
    await client.close();
    client = quickClient({ tries: 2, headersTimeoutMs: 100 });
    server.fail(/tags/, silence);
    const reference = server.reference('lab/tool', { tag: '1' });
    const listing = failureOf(client.listTags(reference));
    await client.fetchManifest(reference);
    assert.equal((await listing).code, 'registry-timeout');
    await client.fetchManifest(reference);
  });

  describe('because a connection never stands', () => {
    let deaf: Server;
    const sockets: Socket[] = [];

    beforeEach(async () => {
      deaf = createServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => undefined);
      });
      deaf.listen(0, '127.0.0.1');
      await once(deaf, 'listening');
    });

    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.destroy();
      deaf.close();
      await once(deaf, 'close');
    });

    function deafRegistry(): string {
      const address = deaf.address();
      assert(typeof address === 'object' && address !== null);
      return `127.0.0.1:${address.port}`;
    }

    it('ends after the time limit', async () => {
      await client.close();
      client = quickClient({ connectTimeoutMs: 1500 });
      const failure = await failureOf(client.listTags(parseReference(`${deafRegistry()}/a/b`)));
      assert.equal(failure.code, 'registry-timeout');
      assert.equal(sockets.length, 2);
    });

    it('can be interrupted', async () => {
      await client.close();
      const stop = new AbortController();
      client = quickClient({ connectTimeoutMs: 3_600_000, signal: stop.signal });
      const listing = failureOf(client.listTags(parseReference(`${deafRegistry()}/a/b`)));
      await once(deaf, 'connection');
      stop.abort();
      assert.equal((await listing).code, 'interrupted');
    });
  });

  it('can be interrupted while it waits for an answer, by signal and by close', async () => {
    server.fail(/./, silence);
    const reference = server.reference('lab/tool', { tag: '1' });
    const descriptor = { mediaType: 'x', digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };
    const stop = new AbortController();
    const opening = failureOf(client.openBlob(reference, descriptor, { signal: stop.signal }));
    const fetching = failureOf(client.fetchManifest(reference));
    stop.abort();
    assert.equal((await opening).code, 'interrupted');
    await client.close();
    assert.equal((await fetching).code, 'interrupted');
  });

  it('can be interrupted in the middle of a body', async () => {
    server.fail(/blobs/, stall);
    const stop = new AbortController();
    const descriptor = { mediaType: 'x', digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };
    const reference = server.reference('lab/tool', { tag: '1' });
    const body = await client.openBlob(reference, descriptor, { signal: stop.signal });
    const reading = failureOf(collect(body));
    stop.abort();
    assert.equal((await reading).code, 'interrupted');
  });
});
