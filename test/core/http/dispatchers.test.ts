import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { settingsOf } from '../../../core/http/options.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import { Dispatchers } from '../../../core/http/dispatchers.ts';
import { describeWith, skip } from '../../support/programs.ts';
import { CertificateAuthority } from '../../support/registry/certificates.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';

const LAYER = plainLayer(Buffer.alloc(3_000_000));
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

describeWith(['openssl'], 'core/http/dispatchers', () => {
  let authority: CertificateAuthority;
  let server: FaultServer | undefined;
  let client: RegistryClient | undefined;

  before(async function () {
    authority = await CertificateAuthority.create();
  });

  afterEach(async () => {
    await client?.close();
    await server?.close();
    client = undefined;
    server = undefined;
  });

  async function start(clients?: CertificateAuthority): Promise<FaultServer> {
    const { certificate: cert, key } = await authority.issue({ purpose: 'server' });
    const wanted = clients && { ca: clients.certificate, requestCert: true, rejectUnauthorized: true };
    server = await FaultServer.start({ cert, key, ...wanted });
    server.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
    return server;
  }

  async function fetchWith(options: Partial<RegistryOptions>, from: FaultServer): Promise<number> {
    client = quickClient(options);
    return (await client.fetchManifest(from.reference('lab/tool', { tag: '1' }))).layers.length;
  }

  it('trusts the authorities of a server for this server', async () => {
    const from = await start();
    const servers = (host: string) => (host === from.host ? { authorities: authority.certificate } : {});
    assert.equal(await fetchWith({ servers }, from), 1);
  });

  it('trusts the additional authorities of the system too', async function () {
    // Newer versions of Node know those themselves.
    if (Number(process.versions.node.split('.')[0]) >= 22) skip(this, 'of an older Node');
    const other = await CertificateAuthority.create();
    const servers = () => ({ authorities: other.certificate });
    assert.equal(await fetchWith({ servers, systemAuthorities: authority.certificate }, await start()), 1);
  });

  it('shows a certificate of its own', async () => {
    const clients = await CertificateAuthority.create();
    const { certificate, key } = await clients.issue({ purpose: 'client' });
    const settings = { authorities: authority.certificate, clientCertificate: { certificate, key } };
    assert.equal(await fetchWith({ servers: () => settings }, await start(clients)), 1);
  });

  it('says tls-failed where the server wants a certificate and gets none', async () => {
    const from = await start(await CertificateAuthority.create());
    const servers = () => ({ authorities: authority.certificate });
    const failure = await failureOf(fetchWith({ servers }, from));
    assert.equal(failure.code, 'tls-failed', failure.message);
  });

  it('says tls-failed for a key that cannot be read, without a word of it', async () => {
    const clientCertificate = { certificate: authority.certificate, key: 'secret' };
    const failure = await failureOf(fetchWith({ servers: () => ({ clientCertificate }) }, await start()));
    assert.equal(failure.code, 'tls-failed');
    assert(!failure.message.includes('secret'));
  });

  it('makes one dispatcher for each different material', async () => {
    const servers = (host: string) =>
      host.startsWith('a') ? { authorities: authority.certificate } : { concurrency: 2 };
    const dispatchers = new Dispatchers({
      connectTimeoutMs: 1,
      materialOf: ({ host }) => servers(host),
      systemAuthorities: undefined,
      proxies: {},
    });
    const [a1, a2, b, c] = ['a1.example', 'a2.example', 'b.example', 'c.example'].map(
      (host) => dispatchers.dispatchFor(new URL(`https://${host}/v2/`)).dispatcher,
    );
    assert.equal(a1, a2);
    assert.equal(b, c);
    assert.notEqual(a1, b);
    await dispatchers.destroy();
  });

  for (const [url, host] of [
    ['https://registry-1.docker.io/v2/', 'docker.io'],
    ['https://r.example:5000/v2/', 'r.example:5000'],
    ['https://r.example/v2/', 'r.example'],
  ] as const) {
    it(`looks ${url} up as ${host}`, () => {
      const asked: string[] = [];
      settingsOf(new URL(url), (name) => {
        asked.push(name);
        return {};
      });
      assert.deepEqual(asked, [host]);
    });
  }

  it('keeps to the number of requests that the server allows', async () => {
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
    client = quickClient({ concurrency: 8, servers: () => ({ concurrency: 1 }) });
    const reference = server.reference('lab/tool', { tag: '1' });
    const body = await client.openBlob(reference, DESCRIPTOR);
    const waiting = client.fetchManifest(reference);
    const collected = await collect(body);
    assert.equal(server.seen.length, 1);
    await waiting;
    assert.equal(collected.length, LAYER.bytes.length);
  });
});
