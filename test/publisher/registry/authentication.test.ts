import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { instead, redirect, status } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

const CREDENTIALS = { user: 'me', password: 'pässword', origin: 'a test' };
const BASIC = `Basic ${Buffer.from('me:pässword').toString('base64')}`;
const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });

describe('registry/authentication', () => {
  let server: FaultServer;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', IMAGE);
    server.addImage('lab/other', '1', IMAGE);
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  async function fetchManifest(repository = 'lab/tool'): Promise<void> {
    await client.fetchManifest(server.reference(repository, { tag: '1' }));
  }

  function countTokens(): number {
    return server.paths.filter((path) => path.startsWith('/token')).length;
  }

  function challengeAll(challenge: string): void {
    server.guard = (request, response) => {
      if (request.headers.authorization === BASIC) return false;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    };
  }

  function withCredentials(hosts: string[] = [server.host]): RegistryClient {
    return quickClient({
      credentials: async (host) => await Promise.resolve(hosts.includes(host) ? CREDENTIALS : undefined),
    });
  }

  for (const member of ['token', 'access_token'] as const) {
    it(`gets an anonymous token (${member}) for the service and scopes of the challenge`, async () => {
      void new TokenService(server, { member });
      await fetchManifest();
      const [, tokenRequest] = server.seen;
      const query = new URL(tokenRequest?.url ?? '', 'http://x').searchParams;
      assert.deepEqual(query.getAll('service'), ['the "service"']);
      assert.deepEqual(query.getAll('scope'), ['repository:lab/tool:pull,push']);
      assert.equal(tokenRequest?.authorization, undefined);
      assert.deepEqual(
        server.seen.map(({ authorization }) => authorization),
        [undefined, undefined, 'Bearer secret-token-1'],
      );
    });
  }

  it('keeps a token for its repository alone', async () => {
    void new TokenService(server);
    await fetchManifest();
    await fetchManifest();
    assert.equal(countTokens(), 1);
    await fetchManifest('lab/other');
    assert.equal(countTokens(), 2);
    assert.equal(server.seen.length, 7);
  });

  it('does not use a token that has expired', async () => {
    void new TokenService(server, { expiresInS: 0 });
    await fetchManifest();
    server.seen.length = 0;
    await fetchManifest();
    assert.deepEqual(
      server.seen.map(({ authorization }) => authorization),
      [undefined, undefined, 'Bearer secret-token-2'],
    );
  });

  it('gets a new token once when the old one is refused', async () => {
    const tokens = new TokenService(server);
    await fetchManifest();
    tokens.revoke();
    server.seen.length = 0;
    await fetchManifest();
    assert.deepEqual(
      server.seen.map(({ authorization }) => authorization),
      ['Bearer secret-token-1', undefined, 'Bearer secret-token-2'],
    );
  });

  it('gives up when the new token is refused too', async () => {
    const tokens = new TokenService(server);
    const { guard } = server;
    server.guard = (request, response) => {
      const isDone = guard(request, response);
      tokens.revoke();
      return isDone;
    };
    assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
    assert.equal(server.seen.length, 3);
  });

  it('asks for one token where many requests need it', async () => {
    void new TokenService(server);
    await Promise.all(Array.from({ length: 20 }, () => fetchManifest()));
    assert.equal(countTokens(), 1);
  });

  it('gives credentials to the token service', async () => {
    void new TokenService(server, { basic: BASIC });
    await client.close();
    client = withCredentials();
    await fetchManifest();
    assert.equal(server.seen[1]?.authorization, BASIC);
  });

  it('does not fall back to anonymous access, and keeps secrets out of messages', async () => {
    void new TokenService(server, { basic: 'Basic other' });
    await client.close();
    client = withCredentials();
    const failure = await failureOf(fetchManifest());
    assert.equal(failure.code, 'unauthorized');
    assert.equal(countTokens(), 1);
    const said = `${failure.message} ${failure.hint} ${String(failure.cause)}`;
    assert(!said.includes('pässword') && !said.includes(BASIC.slice(6)), said);
  });

  it('takes credentials for exactly its host', async () => {
    challengeAll('Basic realm="r"');
    await client.close();
    client = withCredentials(['127.0.0.1', `x${server.host}`, `${server.host}0`]);
    assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
    assert.deepEqual(
      server.seen.map(({ authorization }) => authorization),
      [undefined],
    );
  });

  it('uses Basic where it is asked for, from then on at once', async () => {
    challengeAll('Digest realm="d", Basic realm="r"');
    await client.close();
    client = withCredentials();
    await fetchManifest();
    await fetchManifest();
    assert.deepEqual(
      server.seen.map(({ authorization }) => authorization),
      [undefined, BASIC, BASIC],
    );
  });

  it('does not repeat Basic credentials that are refused', async () => {
    await client.close();
    client = withCredentials();
    server.fail(/./, status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } }));
    assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
    assert.equal(server.seen.length, 2);
    assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
    assert.equal(server.seen.length, 3);
  });

  it('retries the token service', async () => {
    void new TokenService(server);
    const { guard } = server;
    let isFirst = true;
    server.guard = (request, response) => {
      if (request.url?.startsWith('/token') !== true || !isFirst) return guard(request, response);
      isFirst = false;
      response.writeHead(503).end();
      return true;
    };
    await fetchManifest();
    assert.equal(countTokens(), 2);
  });

  for (const [what, answer, code] of [
    ['no JSON', instead('<html>secret-x'), 'registry-error'],
    ['no token', instead('{"expires_in":1}'), 'registry-error'],
    ['a token that breaks headers', instead('{"token":"secret-x\\r\\nHost: y"}'), 'registry-error'],
    ['403', status(403), 'forbidden'],
    ['404', status(404), 'registry-error'],
  ] as const) {
    it(`${code} when the token service answers ${what}`, async () => {
      server.fail(/token/, answer);
      server.fail(
        /./,
        status(401, { headers: { 'www-authenticate': `Bearer realm="http://${server.host}/token"` } }),
      );
      const failure = await failureOf(fetchManifest());
      assert.equal(failure.code, code);
      assert(!failure.message.includes('secret-x'), failure.message);
      assert.equal(server.seen.length, 2);
    });
  }

  for (const realm of ['/token', 'ftp://auth.example/', '']) {
    it(`refuses the realm ${JSON.stringify(realm)}`, async () => {
      server.fail(/./, status(401, { headers: { 'www-authenticate': `Bearer realm="${realm}"` } }));
      assert.equal((await failureOf(fetchManifest())).code, 'registry-error');
    });
  }

  it('does not give credentials on to where the token service redirects', async () => {
    const elsewhere = await FaultServer.start();
    try {
      elsewhere.fail(/./, instead('{"token":"t"}'));
      await client.close();
      client = withCredentials();
      server.fail(/token/, redirect(`http://${elsewhere.host}/token`));
      server.fail(
        /./,
        status(401, { headers: { 'www-authenticate': `Bearer realm="http://${server.host}/token"` } }),
      );
      assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
      assert.equal(server.seen[1]?.authorization, BASIC);
      assert.deepEqual(
        elsewhere.seen.map(({ authorization }) => authorization),
        [undefined],
      );
    } finally {
      await elsewhere.close();
    }
  });
});
