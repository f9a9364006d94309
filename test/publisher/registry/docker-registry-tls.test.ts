import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import type { ServerSettings } from '../../../core/http/options.ts';
import { codeOf } from '../../../core/system-error.ts';
import { parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { describeWith } from '../../support/programs.ts';
import { CertificateAuthority, type CertificateRequest } from '../../support/registry/certificates.ts';
import { startDockerRegistry, type DockerRegistry } from '../../support/registry/docker-registry.ts';
import { plainLayer } from '../../support/registry/image.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { assertReadable, storageWith } from '../../support/registry/registry-storage.ts';

const LAYER = plainLayer(Buffer.alloc(3_000_000, 'a layer'));
const SERVER: CertificateRequest = { purpose: 'server' };

describeWith(['docker-registry', 'openssl'], 'publisher/registry/docker-registry-tls', () => {
  let storage: string;
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  let registry: DockerRegistry | undefined;
  let client: RegistryClient | undefined;

  before(async () => {
    authority = await CertificateAuthority.create();
    stranger = await CertificateAuthority.create();
    storage = await storageWith(LAYER, ['lab/tool']);
  });

  afterEach(async () => {
    await client?.close();
    await registry?.close();
    client = undefined;
    registry = undefined;
  });

  /** Starts a registry with such a certificate of `authority`. Clients need one too where `ofClients` certifies them. */
  async function start(request = SERVER, ofClients?: CertificateAuthority): Promise<string> {
    const files = await authority.issue(request);
    const clients = ofClients === undefined ? {} : { clientAuthorityFile: ofClients.certificateFile };
    registry = await startDockerRegistry({ storage, tls: { ...files, ...clients } });
    return registry.host;
  }

  function clientWith(servers?: RegistryOptions['servers']): RegistryClient {
    client = quickClient(servers === undefined ? {} : { servers });
    return client;
  }

  function referenceAt(host: string, scheme = 'https'): ImageReference {
    return parseReference(`${scheme}://${host}/lab/tool:1`);
  }

  /** Tags, manifest, config and layer. */
  async function readAll(from: RegistryClient, host: string): Promise<void> {
    await assertReadable(from, referenceAt(host), LAYER);
  }

  for (const name of ['127.0.0.1', 'localhost']) {
    it(`reads as ${name} where its authority is known for exactly this server`, async () => {
      const host = (await start()).replace('127.0.0.1', name);
      const settings: ServerSettings = { authorities: authority.certificate };
      await readAll(
        clientWith((asked) => (asked === host ? settings : {})),
        host,
      );
    });
  }

  it('reads where its authority is one of several', async () => {
    const host = await start();
    const authorities = [stranger.certificate, authority.certificate].join('\n');
    await readAll(
      clientWith(() => ({ authorities })),
      host,
    );
  });

  interface Untrusted {
    readonly what: string;
    readonly request?: CertificateRequest;
    /** What the client knows beside the system's authorities. */
    readonly knows: 'nothing' | 'its authority' | 'another authority' | 'its authority for another server';
    /** Of OpenSSL or Node, where it shows that the authority was known. */
    readonly cause?: string;
  }

  const UNTRUSTED: readonly Untrusted[] = [
    { what: 'of an authority that is not known', knows: 'nothing' },
    { what: 'of an authority that is not the one known', knows: 'another authority' },
    { what: 'of an authority that is known for another server', knows: 'its authority for another server' },
    {
      what: 'for another name',
      request: { ...SERVER, names: ['DNS:registry.example', 'IP:127.0.0.2'] },
      knows: 'its authority',
      cause: 'ERR_TLS_CERT_ALTNAME_INVALID',
    },
    {
      what: 'that has expired',
      request: { ...SERVER, validDays: -1 },
      knows: 'its authority',
      cause: 'CERT_HAS_EXPIRED',
    },
    {
      what: 'that is none of a server',
      request: { purpose: 'client' },
      knows: 'its authority',
      cause: 'INVALID_PURPOSE',
    },
  ];

  for (const { what, request, knows, cause } of UNTRUSTED) {
    it(`tls-failed with a certificate ${what}`, async () => {
      const host = await start(request);
      const known: Readonly<Record<Untrusted['knows'], RegistryOptions['servers']>> = {
        nothing: () => ({}),
        'its authority': () => ({ authorities: authority.certificate }),
        'another authority': () => ({ authorities: stranger.certificate }),
        'its authority for another server': (asked) =>
          asked === host ? {} : { authorities: authority.certificate },
      };
      const failure = await failureOf(clientWith(known[knows]).fetchManifest(referenceAt(host)));
      assert.equal(failure.code, 'tls-failed', failure.message);
      assert(failure.message.includes(host), failure.message);
      if (cause !== undefined) assert.equal(codeOf(failure.cause), cause);
    });
  }

  it('tls-failed where the registry speaks plain HTTP', async () => {
    registry = await startDockerRegistry({ storage });
    const failure = await failureOf(clientWith().fetchManifest(referenceAt(registry.host)));
    assert.equal(failure.code, 'tls-failed', failure.message);
  });

  it('registry-error where it is asked by plain HTTP', async () => {
    const failure = await failureOf(clientWith().fetchManifest(referenceAt(await start(), 'http')));
    assert.equal(failure.code, 'registry-error', failure.message);
  });

  describe('that asks for a certificate of the client', () => {
    it('reads with one', async () => {
      const host = await start(SERVER, stranger);
      const { certificate, key } = await stranger.issue({ purpose: 'client' });
      const clientCertificate = { certificate, key };
      await readAll(
        clientWith(() => ({ authorities: authority.certificate, clientCertificate })),
        host,
      );
    });

    it('tls-failed without one', async () => {
      const host = await start(SERVER, stranger);
      const asking = clientWith(() => ({ authorities: authority.certificate }));
      assert.equal((await failureOf(asking.fetchManifest(referenceAt(host)))).code, 'tls-failed');
    });

    it('tls-failed with one of another authority, without a word of its key', async () => {
      const host = await start(SERVER, stranger);
      const { certificate, key } = await authority.issue({ purpose: 'client' });
      const clientCertificate = { certificate, key };
      const asking = clientWith(() => ({ authorities: authority.certificate, clientCertificate }));
      const failure = await failureOf(asking.fetchManifest(referenceAt(host)));
      assert.equal(failure.code, 'tls-failed', failure.message);
      const [, line = ''] = key.split('\n');
      assert(line.length > 40 && !`${failure.message} ${String(failure.cause)}`.includes(line));
    });
  });
});
