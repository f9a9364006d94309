import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { Credentials } from '../../../../publisher/registry/options.ts';
import type { Failure, FailureCode } from '../../../../core/failure.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { instead, redirect, status, type Fault } from '../../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../../support/registry/image.ts';
import { failureOf, quickClient } from '../../../support/registry/quick-client.ts';
import { TokenService } from '../../../support/registry/token-service.ts';

const CREDENTIALS = { user: 'me', password: 'pässword', origin: 'a test' };
const BASIC = `Basic ${Buffer.from('me:pässword').toString('base64')}`;
const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });

function badRequest(body: string): Fault {
  return (response) => {
    response.writeHead(400).end(body);
  };
}

describe('publisher/registry/authentication/authentication', () => {
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

  /** The requests as `METHOD PATH AUTHORIZATION`, without queries. */
  function asked(of = server): string[] {
    return of.seen.map(({ method, url, authorization }) => {
      const what = url.startsWith('/v2/') ? 'manifest' : url.replace(/\?.*/, '');
      return `${method} ${what} ${authorization ?? '-'}`;
    });
  }

  function assertNoSecret({ message, hint, cause }: Failure): void {
    const said = `${message} ${hint} ${String(cause)}`;
    for (const secret of ['pässword', BASIC.slice(6), 'identity-secret', 'secret-token'])
      assert(!said.includes(secret), said);
  }

  describe('an identity token', () => {
    const IDENTITY: Credentials = {
      user: '',
      password: '',
      identityToken: 'identity-secret&+ü',
      origin: 'a test',
    };

    function withIdentity(): RegistryClient {
      return quickClient({ credentials: async () => await Promise.resolve(IDENTITY) });
    }

    for (const member of ['token', 'access_token'] as const) {
      it(`is exchanged for a token (${member})`, async () => {
        void new TokenService(server, { member, identityToken: 'identity-secret&+ü' });
        await client.close();
        client = withIdentity();
        await fetchManifest();
        await fetchManifest();
        assert.deepEqual(asked(), [
          'GET manifest -',
          'POST /token -',
          'GET manifest Bearer secret-token-1',
          'GET manifest Bearer secret-token-1',
        ]);
        const exchange = server.seen[1];
        assert.equal(exchange?.url, '/token');
        assert.equal(exchange.contentType, 'application/x-www-form-urlencoded');
        assert.deepEqual(Object.fromEntries(new URLSearchParams(exchange.body)), {
          grant_type: 'refresh_token',
          client_id: 'unpackd',
          service: 'the "service"',
          scope: 'repository:lab/tool:pull,push',
          refresh_token: 'identity-secret&+ü',
        });
      });
    }

    it('has all scopes in one list', async () => {
      challengeAll(`Bearer realm="http://${server.host}/token?account=x",scope="a:b:pull c:d:pull"`);
      await client.close();
      client = withIdentity();
      await failureOf(fetchManifest());
      assert.equal(server.seen[1]?.url, '/token?account=x');
      assert.equal(new URLSearchParams(server.seen[1].body).get('scope'), 'a:b:pull c:d:pull');
    });

    const REFUSALS: readonly (readonly [what: string, fault: Fault, code: FailureCode, requests: number])[] =
      [
        ['401', status(401), 'unauthorized', 2],
        [
          '401 with a challenge',
          status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } }),
          'unauthorized',
          2,
        ],
        ['400 invalid_grant', badRequest('{"error":"invalid_grant"}'), 'unauthorized', 2],
        ['400 invalid_scope', badRequest('{"error": "invalid_scope"}'), 'registry-error', 2],
        ['400 and no JSON', badRequest('<html>'), 'registry-error', 2],
        ['403', status(403), 'forbidden', 2],
        ['404', status(404), 'registry-error', 2],
        ['503', status(503), 'registry-error', 5],
        ['a redirect', redirect('/elsewhere'), 'registry-error', 2],
      ];

    for (const [what, fault, code, requests] of REFUSALS) {
      it(`that the token service answers with ${what} is ${code} after ${requests} requests`, async () => {
        server.fail(/token/, fault);
        server.fail(
          /./,
          status(401, { headers: { 'www-authenticate': `Bearer realm="http://${server.host}/token"` } }),
        );
        await client.close();
        client = withIdentity();
        const failure = await failureOf(fetchManifest());
        assert.equal(failure.code, code);
        if (code === 'unauthorized') assert(failure.message.includes('a test'), failure.message);
        assertNoSecret(failure);
        assert.equal(server.seen.length, requests);
        assert(server.seen.every(({ authorization }) => authorization === undefined));
      });
    }

    it('is of no use for Basic', async () => {
      challengeAll('Basic realm="r"');
      await client.close();
      client = withIdentity();
      const failure = await failureOf(fetchManifest());
      assert.equal(failure.code, 'unauthorized');
      assertNoSecret(failure);
      assert.deepEqual(asked(), ['GET manifest -']);
    });
  });

  describe('wrong credentials', () => {
    it('name where they were found, also for Basic, and are not left out', async () => {
      server.fail(/./, status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } }));
      await client.close();
      client = withCredentials();
      for (const requests of [[`GET manifest -`, `GET manifest ${BASIC}`], [`GET manifest ${BASIC}`]]) {
        const failure = await failureOf(fetchManifest());
        assert.equal(failure.code, 'unauthorized');
        assert(failure.message.includes('a test'), failure.message);
        assertNoSecret(failure);
        assert.deepEqual(asked(), requests);
        server.takeRequests();
      }
    });

    it('name where they were found at the token service, and are not left out', async () => {
      void new TokenService(server, { basic: 'Basic other' });
      await client.close();
      client = withCredentials();
      for (let time = 1; time <= 2; time += 1) {
        const failure = await failureOf(fetchManifest());
        assert.equal(failure.code, 'unauthorized');
        assert(failure.message.includes('a test'), failure.message);
        assertNoSecret(failure);
        assert.deepEqual(asked(), ['GET manifest -', `GET /token ${BASIC}`]);
        server.takeRequests();
      }
    });

    it('stay what they are where the token service offers something else', async () => {
      const challenge = { 'www-authenticate': `Bearer realm="http://${server.host}/token"` };
      server.fail(/token/, status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } }));
      server.fail(/./, status(401, { headers: challenge }));
      await client.close();
      client = withCredentials();
      assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
      assert.deepEqual(asked(), ['GET manifest -', `GET /token ${BASIC}`]);
    });
  });

  /** `origin` is where the message says that credentials were found. */
  const SENT: readonly (readonly [
    statusCode: 401 | 403,
    challenge: string,
    hasCredentials: boolean,
    code: FailureCode,
    origin: string | undefined,
  ])[] = [
    [401, 'Basic realm="r"', false, 'unauthorized', undefined],
    [401, 'Basic realm="r"', true, 'unauthorized', 'a test'],
    [401, 'Bearer', false, 'unauthorized', undefined],
    [401, 'Bearer', true, 'unauthorized', 'a test'],
    [403, 'Basic realm="r"', true, 'forbidden', 'a test'],
    [403, 'Bearer', false, 'forbidden', undefined],
    [403, 'Bearer', true, 'forbidden', 'a test'],
  ];

  for (const [statusCode, scheme, hasCredentials, code, origin] of SENT) {
    const access = hasCredentials ? 'with' : 'without';
    it(`says for ${statusCode} after ${scheme} ${access} credentials that they are from ${origin ?? 'nowhere'}`, async () => {
      server.fail(/token/, instead('{"token":"secret-token"}'));
      server.guard = (request, response) => {
        if (request.url?.startsWith('/token') === true) return false;
        const isFirst = request.headers.authorization === undefined;
        const challenge = scheme === 'Bearer' ? `Bearer realm="http://${server.host}/token"` : scheme;
        response.writeHead(isFirst ? 401 : statusCode, { 'www-authenticate': challenge }).end();
        return true;
      };
      await client.close();
      client = hasCredentials ? withCredentials() : quickClient();
      const failure = await failureOf(fetchManifest());
      assert.equal(failure.code, code);
      assert.equal(failure.message.includes('a test'), origin !== undefined, failure.message);
      assertNoSecret(failure);
    });
  }

  /** What a server offers in one field or several, and the scopes or Basic that are used. */
  const OFFERS: readonly (readonly [
    challenges: string | string[],
    used: readonly string[] | 'Basic' | 'nothing',
  ])[] = [
    ['Bearer realm="REALM",scope="repository:lab/tool:pull,push"', ['repository:lab/tool:pull,push']],
    ['Bearer scope="a:b:pull,push c:d:*",realm="REALM"', ['a:b:pull,push', 'c:d:*']],
    ['Bearer realm="REALM"', ['repository:lab/tool:pull']],
    ['bearer REALM=REALM,Scope=a:b:pull', ['a:b:pull']],
    ['Negotiate, Basic realm="r", Bearer realm="REALM",scope="a"', ['a']],
    ['Bearer realm="REALM",scope="a", Basic realm="r"', ['a']],
    [['Negotiate', 'Basic realm="a, Bearer realm=b"', 'Bearer realm="REALM",scope="a"'], ['a']],
    [['Digest realm="d", qop="auth,auth-int"', 'Basic realm="r"'], 'Basic'],
    ['Bearer error="x", Basic realm="r"', 'Basic'],
    [['Negotiate abc==', 'NTLM'], 'nothing'],
    ['Bearer', 'nothing'],
  ];

  for (const [challenges, used] of OFFERS) {
    it(`takes ${String(used)} from ${JSON.stringify(challenges)}`, async () => {
      server.fail(/token/, instead('{"token":"secret-token"}'));
      const realm = `http://${server.host}/token`;
      server.guard = ({ url, headers: { authorization } }, response) => {
        if (url?.startsWith('/token') === true || authorization !== undefined) return false;
        const fields = [challenges].flat().map((field) => field.replace(/(?<==)"?REALM"?/, `"${realm}"`));
        response.writeHead(401, { 'www-authenticate': fields }).end();
        return true;
      };
      await client.close();
      client = withCredentials();
      if (used === 'nothing') {
        assert.equal((await failureOf(fetchManifest())).code, 'unauthorized');
        assert.equal(server.seen.length, 1);
        return;
      }
      await fetchManifest();
      if (used === 'Basic') assert.deepEqual(asked(), ['GET manifest -', `GET manifest ${BASIC}`]);
      else {
        assert.deepEqual(asked(), [
          'GET manifest -',
          `GET /token ${BASIC}`,
          'GET manifest Bearer secret-token',
        ]);
        const query = new URL(server.paths[1] ?? '', realm).searchParams;
        assert.deepEqual(query.getAll('scope'), used);
      }
    });
  }

  describe('a token service elsewhere', () => {
    let service: FaultServer;

    beforeEach(async () => {
      service = await FaultServer.start();
      service.fail(/token/, instead('{"token":"secret-token"}'));
      server.guard = ({ headers: { authorization } }, response) => {
        if (authorization === 'Bearer secret-token') return false;
        const challenge = `Bearer realm="http://${service.host}/token"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
        return true;
      };
    });

    afterEach(async () => {
      await service.close();
    });

    it('gets the credentials of the registry that names it', async () => {
      await client.close();
      client = withCredentials([server.host]);
      await fetchManifest();
      assert.deepEqual(asked(service), [`GET /token ${BASIC}`]);
      assert.deepEqual(asked(), ['GET manifest -', 'GET manifest Bearer secret-token']);
    });

    it('does not get what is known for its own host', async () => {
      await client.close();
      client = withCredentials([service.host]);
      await fetchManifest();
      assert.deepEqual(asked(service), ['GET /token -']);
    });
  });

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
