import { strict as assert } from 'node:assert';
import { verify, X509Certificate } from 'node:crypto';
import { describeWith } from '../../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../../support/registry/docker-registry.ts';
import { pushImage } from '../../support/registry/push.ts';
import { TokenServer } from '../../support/registry/token-server.ts';
import { temporaryDirectory } from '../../support/setup.ts';

interface Reply {
  readonly status: number;
  readonly body: { readonly token?: string; readonly access_token?: string; readonly expires_in?: number };
}

describeWith(['openssl'], 'support-tests/registry/token-server', () => {
  let server: TokenServer;

  beforeEach(async () => {
    server = await TokenServer.start();
  });

  afterEach(async () => {
    await server.close();
  });

  async function send(address: string | URL, request: RequestInit = {}): Promise<Reply> {
    const answer = await fetch(address, request);
    return { status: answer.status, body: (await answer.json()) as Reply['body'] };
  }

  async function get(scope: string, authorization?: string): Promise<Reply> {
    const url = new URL(server.auth.token.realm);
    url.searchParams.set('service', server.auth.token.service);
    url.searchParams.set('scope', scope);
    return await send(url, authorization === undefined ? {} : { headers: { authorization } });
  }

  async function post(changes: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const { realm, service } = server.auth.token;
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      service,
      client_id: 'a-test',
      scope: 'repository:lab/tool:pull',
      refresh_token: server.identity.identityToken,
      ...changes,
    });
    return await send(realm, { method: 'POST', body });
  }

  function basic({ user, password } = server.credentials): string {
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  function partOf(token: string | undefined, index: 0 | 1): Record<string, unknown> {
    const part = token?.split('.')[index] ?? '';
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  }

  it('signs with the key that its certificate names', async () => {
    const { token = '' } = (await get('repository:public/tool:pull')).body;
    const [header = '', claims = '', signature = ''] = token.split('.');
    const [der = ''] = partOf(token, 0)['x5c'] as string[];
    const key = new X509Certificate(Buffer.from(der, 'base64')).publicKey;
    const signed = Buffer.from(`${header}.${claims}`);
    const bytes = Buffer.from(signature, 'base64url');
    assert(verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes));
    const { iss, aud, sub, exp, iat } = partOf(token, 1);
    assert.deepEqual([iss, aud, sub], [server.auth.token.issuer, server.auth.token.service, '']);
    assert.equal(Number(exp) - Number(iat), 300);
  });

  const GRANTS: readonly (readonly [scope: string, isKnown: boolean, actions: string[] | undefined])[] = [
    ['repository:public/tool:pull', false, ['pull']],
    ['repository:public/tool:pull,push', false, ['pull']],
    ['repository:public/tool:push', false, []],
    ['repository:lab/tool:pull', false, undefined],
    ['repository:lab/public/tool:pull', false, undefined],
    ['repository:lab/tool:pull', true, ['pull']],
    ['repository:public/tool:pull', true, ['pull']],
    ['registry:catalog:*', true, undefined],
    ['nonsense', true, undefined],
  ];

  for (const [scope, isKnown, actions] of GRANTS) {
    it(`${scope} for ${isKnown ? 'its user' : 'anybody'}: ${actions?.join(',') ?? 'nothing'}`, async () => {
      const { status, body } = await get(scope, isKnown ? basic() : undefined);
      const [, name] = scope.split(':');
      const expected = actions === undefined ? [] : [{ type: 'repository', name, actions }];
      assert.deepEqual([status, partOf(body.token, 1)['access']], [200, expected]);
    });
  }

  it('refuses wrong credentials, also for what anybody may pull', async () => {
    const wrong = [basic({ ...server.credentials, password: 'x' }), 'Basic', 'Bearer x'];
    const statuses = wrong.map(async (field) => (await get('repository:public/a:pull', field)).status);
    assert.deepEqual(await Promise.all(statuses), [401, 401, 401]);
  });

  it('exchanges its identity token, and nothing else', async () => {
    const { status, body } = await post();
    assert.equal(status, 200);
    const { sub, access } = partOf(body.access_token, 1);
    assert.equal(sub, server.credentials.user);
    assert.deepEqual(access, [{ type: 'repository', name: 'lab/tool', actions: ['pull'] }]);
    const wrong = [{ refresh_token: 'x' }, { client_id: '' }, { grant_type: 'password' }, { service: 'x' }];
    const statuses = wrong.map(async (changes) => (await post(changes)).status);
    assert.deepEqual(await Promise.all(statuses), [401, 400, 400, 400]);
  });

  it('records what it was asked', async () => {
    await get('repository:public/tool:pull', basic());
    await post();
    const [first, second] = server.requests;
    assert.deepEqual([first?.method, second?.method], ['GET', 'POST']);
    assert.deepEqual([first?.authorization, second?.authorization], [basic(), undefined]);
    assert.equal(first?.parameters.get('scope'), 'repository:public/tool:pull');
    assert.equal(second?.parameters.get('refresh_token'), server.identity.identityToken);
  });

  describeWith(['docker-registry'], 'with docker-registry', () => {
    let registry: DockerRegistry;

    beforeEach(async () => {
      const storage = await temporaryDirectory('storage');
      const open = await startDockerRegistry({ storage });
      await pushImage(open.host, 'lab/tool', '1', { layers: [] });
      await open.close();
      registry = await startDockerRegistry({ storage, auth: server.auth });
    });

    afterEach(async () => {
      await registry.close();
    });

    async function statusWith(token: string | undefined): Promise<number> {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await send(`http://${registry.host}/v2/lab/tool/tags/list`, { headers })).status;
    }

    it('is named in the challenge', async () => {
      const answer = await fetch(`http://${registry.host}/v2/lab/tool/tags/list`);
      await answer.arrayBuffer();
      const challenge = answer.headers.get('www-authenticate');
      assert(challenge?.includes(`realm="${server.auth.token.realm}"`), challenge ?? 'none');
    });

    it('gives out tokens that are accepted for what they name', async () => {
      const scope = 'repository:lab/tool:pull';
      assert.equal(await statusWith((await get(scope, basic())).body.token), 200);
      assert.equal(await statusWith((await post()).body.access_token), 200);
      assert.equal(await statusWith((await get(scope)).body.token), 401);
      assert.equal(await statusWith((await get('repository:lab/other:pull', basic())).body.token), 401);
      assert.equal(await statusWith(undefined), 401);
    });

    it('gives out tokens that have expired, if it is told to', async () => {
      server.lifetimeS = -120;
      const { body } = await get('repository:lab/tool:pull', basic());
      assert.equal(body.expires_in, 300);
      assert.equal(await statusWith(body.token), 401);
    });

    it('is the only one whose tokens are accepted', async () => {
      const stranger = await TokenServer.start();
      try {
        const url = `${stranger.auth.token.realm}?service=${encodeURIComponent(stranger.auth.token.service)}`;
        const { credentials } = stranger;
        const headers = { authorization: basic(credentials) };
        const { body } = await send(`${url}&scope=repository:lab/tool:pull`, { headers });
        assert.equal(await statusWith(body.token), 401);
      } finally {
        await stranger.close();
      }
    });
  });
});
