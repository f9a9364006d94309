import { strict as assert } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import type { FailureCode } from '../../../core/failure.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { describeWith } from '../../support/programs.ts';
import { CertificateAuthority } from '../../support/registry/certificates.ts';
import { ConnectProxy } from '../../support/registry/connect-proxy.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { redirect } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';

const LAYER = plainLayer(Buffer.alloc(300_000, 'layer'));
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

describeWith(['openssl'], 'publisher/registry/proxied-client', () => {
  let authority: CertificateAuthority;
  let proxy: ConnectProxy;
  let client: RegistryClient | undefined;
  const servers: FaultServer[] = [];

  before(async function () {
    authority = await CertificateAuthority.create();
  });

  beforeEach(async () => {
    proxy = await ConnectProxy.start();
  });

  afterEach(async () => {
    await client?.close();
    await proxy.close();
    for (const server of servers.splice(0)) await server.close();
  });

  async function startServer(scheme: 'http' | 'https'): Promise<FaultServer> {
    const { certificate: cert, key } = await authority.issue({
      purpose: 'server',
      names: ['DNS:registry.test'],
    });
    const server = await FaultServer.start(scheme === 'http' ? undefined : { cert, key });
    servers.push(server);
    server.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
    return server;
  }

  function clientThrough(userInfo = '', options: Partial<RegistryOptions> = {}): RegistryClient {
    const url = new URL(`http://${userInfo}${proxy.host}`);
    client = quickClient({
      proxies: { https: url, http: url },
      servers: () => ({ authorities: authority.certificate }),
      ...options,
    });
    return client;
  }

  /** By a name that only the proxy can look up. */
  function hostOf(server: FaultServer): string {
    return server.host.replace('127.0.0.1', 'registry.test');
  }

  function named(server: FaultServer): ImageReference {
    return { ...server.reference('lab/tool', { tag: '1' }), registry: hostOf(server) };
  }

  it('asks through a tunnel for https', async () => {
    const server = await startServer('https');
    const reference = named(server);
    const through = clientThrough();
    assert.equal((await through.fetchManifest(reference)).layers.length, 1);
    assert.deepEqual(await collect(await through.openBlob(reference, DESCRIPTOR)), LAYER.bytes);
    assert.deepEqual(new Set(proxy.seen), new Set([`CONNECT ${hostOf(server)}`]));
    assert(proxy.seen.length <= 2, `${proxy.seen.length} tunnels for two requests in turn`);
  });

  it('asks the proxy itself for http', async () => {
    const server = await startServer('http');
    const reference = named(server);
    const through = clientThrough();
    await through.fetchManifest(reference);
    assert.deepEqual(await collect(await through.openBlob(reference, DESCRIPTOR)), LAYER.bytes);
    assert.deepEqual(proxy.seen, [
      `GET http://${hostOf(server)}/v2/lab/tool/manifests/1`,
      `GET http://${hostOf(server)}/v2/lab/tool/blobs/${LAYER.diffId}`,
    ]);
    assert.equal(server.seen.length, 2);
  });

  it('goes through it to where a redirect leads', async () => {
    const [server, storage] = [await startServer('https'), await startServer('https')];
    server.fail(/blobs/, redirect(`https://${hostOf(storage)}/v2/lab/tool/blobs/${LAYER.diffId}`));
    const body = await clientThrough().openBlob(named(server), DESCRIPTOR);
    assert.deepEqual(await collect(body), LAYER.bytes);
    assert.deepEqual(proxy.seen, [`CONNECT ${hostOf(server)}`, `CONNECT ${hostOf(storage)}`]);
  });

  for (const scheme of ['http', 'https'] as const) {
    it(`goes round it where NO_PROXY says so (${scheme})`, async () => {
      const server = await startServer(scheme);
      const url = new URL(`http://${proxy.host}`);
      const proxies = { https: url, http: url, none: 'registry.test' };
      const failure = await failureOf(clientThrough('', { proxies }).fetchManifest(named(server)));
      assert.deepEqual([failure.code, proxy.seen.length], ['dns-failed', 0]);
    });

    it(`gives it user and password, and nobody else (${scheme})`, async () => {
      const server = await startServer(scheme);
      await clientThrough('me:p%40ss@').fetchManifest(named(server));
      assert.deepEqual(proxy.authorizations, [`Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
      assert.equal(server.seen[0]?.authorization, undefined);
    });

    const REFUSALS: readonly (readonly [status: number, code: FailureCode, requests: number])[] = [
      [407, 'registry-unreachable', 1],
      ...(scheme === 'https'
        ? ([
            [403, 'registry-unreachable', 1],
            [502, 'registry-unreachable', 2],
            [0, 'registry-unreachable', 2],
          ] as const)
        : []),
    ];

    for (const [status, code, requests] of REFUSALS) {
      it(`${status} of the proxy is ${code} after ${requests} requests (${scheme})`, async () => {
        const server = await startServer(scheme);
        proxy.refusal = status;
        const through = clientThrough('me:secret@', { connectTimeoutMs: status === 0 ? 100 : 5000 });
        const failure = await failureOf(through.fetchManifest(named(server)));
        assert.equal(failure.code, code, failure.message);
        assert(failure.message.includes(proxy.host) && !failure.message.includes('secret'), failure.message);
        assert.match(failure.hint ?? '', /proxy|PROXY/);
        assert.deepEqual([proxy.seen.length, server.seen.length], [requests, 0]);
      });
    }

    it(`names a proxy that cannot be reached (${scheme})`, async () => {
      const server = await startServer(scheme);
      const through = clientThrough('me:secret@');
      const { host } = proxy;
      await proxy.close();
      const failure = await failureOf(through.fetchManifest(named(server)));
      proxy = await ConnectProxy.start();
      assert.equal(failure.code, 'registry-unreachable', failure.message);
      assert(failure.message.includes(host) && !failure.message.includes('secret'), failure.message);
    });
  }

  for (const scheme of ['http', 'https'] as const) {
    it(`speaks TLS with the proxy itself (${scheme})`, async () => {
      const server = await startServer(scheme);
      await proxy.close();
      const { certificate: cert, key } = await authority.issue({ purpose: 'server' });
      proxy = await ConnectProxy.start({ cert, key });
      const url = new URL(`https://${proxy.host}`);
      const through = clientThrough('', { proxies: { https: url, http: url } });
      assert.equal((await through.fetchManifest(named(server))).layers.length, 1);
      assert.equal(proxy.seen.length, 1);
    });

    it(`can be interrupted while the proxy does not answer (${scheme})`, async () => {
      const server = await startServer(scheme);
      proxy.refusal = 0;
      const stop = new AbortController();
      const through = clientThrough('', { connectTimeoutMs: 3_600_000, signal: stop.signal });
      const fetching = failureOf(through.fetchManifest(named(server)));
      while (proxy.seen.length === 0) await setImmediate();
      stop.abort();
      assert.equal((await fetching).code, 'interrupted');
    });
  }

  it('does not take a certificate behind the proxy that nobody known has signed', async () => {
    const server = await startServer('https');
    const through = clientThrough('', { servers: () => ({}) });
    const failure = await failureOf(through.fetchManifest(named(server)));
    assert.equal(failure.code, 'tls-failed', failure.message);
    assert.equal(server.seen.length, 0);
  });
});
