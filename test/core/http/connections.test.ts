import { strict as assert } from 'node:assert';
import type { RequestRecord } from '../../../core/http/options.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { cut, drop, redirect, status } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

const LAYER = plainLayer(Buffer.alloc(100_000));
const IMAGE = buildImage({ layers: [LAYER] });
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

describe('core/http/connections, records of requests', () => {
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
