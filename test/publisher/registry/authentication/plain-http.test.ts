import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { Credentials, RegistryOptions } from '../../../../publisher/registry/options.ts';
import type { ImageReference } from '../../../../core/oci/reference.ts';
import { ConnectProxy } from '../../../support/registry/connect-proxy.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { buildImage, plainLayer } from '../../../support/registry/image.ts';
import { failureOf, quickClient } from '../../../support/registry/quick-client.ts';

const CREDENTIALS: Credentials = { user: 'me', password: 'a-password-of-a-test', origin: 'a test' };
const BASIC = `Basic ${Buffer.from('me:a-password-of-a-test').toString('base64')}`;
const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });

/** A registry that has a name in the network, which only a proxy on this machine can look up. */
describe('publisher/registry/authentication/plain-http', () => {
  let proxy: ConnectProxy;
  let server: FaultServer;
  let client: RegistryClient;
  /** How the server wants to be logged in to. */
  let challenge: string;

  beforeEach(async () => {
    proxy = await ConnectProxy.start();
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', IMAGE);
    challenge = 'Basic realm="r"';
    server.guard = (request, response) => {
      if (request.headers.authorization !== undefined || request.url?.startsWith('/token') === true)
        return false;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    };
  });

  afterEach(async () => {
    await client.close();
    await server.close();
    await proxy.close();
  });

  const named = (): string => server.host.replace('127.0.0.1', 'registry.test');
  const wish = (registry: string, scheme: 'http' | 'https' = 'http'): ImageReference => ({
    ...server.reference('lab/tool', { tag: '1' }),
    scheme,
    registry,
  });

  function open(options: Partial<RegistryOptions> = {}): RegistryClient {
    const url = new URL(`http://${proxy.host}`);
    client = quickClient({
      proxies: { http: url, https: url },
      credentials: async () => await Promise.resolve(CREDENTIALS),
      ...options,
    });
    return client;
  }

  const shown = (): (string | undefined)[] => server.seen.map(({ authorization }) => authorization);

  it('do not go to a registry because a wish has http://', async () => {
    const failure = await failureOf(open().fetchManifest(wish(named())));
    assert.equal(failure.code, 'unauthorized');
    assert.match(failure.message, /a test do not go over plain HTTP/);
    assert.deepEqual(shown(), [undefined]);
  });

  it('go where the operator allows it', async () => {
    const host = named();
    const servers = (name: string): { allowHttp: boolean } => ({ allowHttp: name === host });
    await open({ servers }).fetchManifest(wish(host));
    assert.deepEqual(shown(), [undefined, BASIC]);
  });

  it('go to this machine itself', async () => {
    await open().fetchManifest(wish(server.host));
    assert.deepEqual(shown(), [undefined, BASIC]);
    assert.deepEqual(proxy.seen, []);
  });

  for (const scheme of ['http', 'https'] as const) {
    it(`do not go to a mirror over plain HTTP for a wish with ${scheme}://`, async () => {
      const place = { scheme: 'http', host: named(), prefix: '' } as const;
      open({ routes: () => ({ proxy: place, mirrors: [] }) });
      const failure = await failureOf(client.fetchManifest(wish('registry.example', scheme)));
      assert.equal(failure.code, 'unauthorized');
      assert.deepEqual(shown(), [undefined]);
    });
  }

  it('do not go to a token service in the network that a registry of this machine names', async () => {
    challenge = `Bearer realm="http://${named()}/token"`;
    const failure = await failureOf(open().fetchManifest(wish(server.host)));
    assert.equal(failure.code, 'unauthorized');
    assert.deepEqual(proxy.seen, []);
    assert.deepEqual(shown(), [undefined]);
  });

  it('do not go to a token service over plain HTTP, as a password or an identity token', async () => {
    challenge = `Bearer realm="http://${named()}/token"`;
    for (const identityToken of [undefined, 'an-identity-token']) {
      await client?.close();
      open({ credentials: async () => await Promise.resolve({ ...CREDENTIALS, identityToken }) });
      await failureOf(client.fetchManifest(wish(named())));
    }
    assert.deepEqual(
      new Set(server.seen.map(({ method, authorization, body }) => `${method} ${authorization} ${body}`)),
      new Set(['GET undefined ']),
    );
  });
});
