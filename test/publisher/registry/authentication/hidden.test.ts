import { strict as assert } from 'node:assert';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { FailureCode } from '../../../../core/failure.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { redirect, status } from '../../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../../support/registry/quick-client.ts';

const LAYER = plainLayer(Buffer.from('layer'));
const IMAGE = buildImage({ layers: [LAYER] });
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

type Scheme = 'Basic' | 'Bearer' | 'anonymous Bearer';

/** `secret-1`, `secret-2`, …: the passwords that were right, in order; the last one is. */
class Hiding {
  readonly server: FaultServer;
  /** How those are answered who show nothing good. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  scheme: Scheme = 'Basic';
  password = 'secret-1';
  tokens = 0;
  /** Tokens of lower numbers do not count any more. */
  firstValid = 1;

  constructor(server: FaultServer, code: number) {
    this.server = server;
    this.answer = (_, response) => response.writeHead(code).end();
    server.guard = (request, response) => this.#guard(request, response);
  }

  get basic(): string {
    return `Basic ${Buffer.from(`me:${this.password}`).toString('base64')}`;
  }

  #guard(request: IncomingMessage, response: ServerResponse): boolean {
    const { url = '', headers } = request;
    if (url.startsWith('/token')) {
      const isRight = this.scheme === 'anonymous Bearer' || headers.authorization === this.basic;
      if (isRight) this.tokens += 1;
      response.writeHead(isRight ? 200 : 401).end(JSON.stringify({ token: `token-${this.tokens}` }));
      return true;
    }
    if (this.#isGood(headers.authorization ?? '')) return false;
    if (url === '/v2/') response.writeHead(401, { 'www-authenticate': this.#challenge() }).end();
    else this.answer(request, response);
    return true;
  }

  #isGood(field: string): boolean {
    const [, token] = /^Bearer token-(\d+)$/.exec(field) ?? [];
    return this.scheme === 'Basic' ? field === this.basic : Number(token ?? 0) >= this.firstValid;
  }

  #challenge(): string {
    return this.scheme === 'Basic' ? 'Basic realm="x"' : `Bearer realm="http://${this.server.host}/token"`;
  }
}

describe('publisher/registry/authentication/hidden', () => {
  let server: FaultServer;
  let client: RegistryClient;
  /** As the configuration has it. */
  let password: string | undefined;

  beforeEach(async () => {
    server = await FaultServer.start();
    for (const repository of ['lab/tool', 'lab/other']) server.addImage(repository, '1', IMAGE);
    server.tagPages.set('lab/tool', [['1']]);
    password = 'secret-1';
    client = quickClient({
      credentials: async (host) =>
        await Promise.resolve(
          host === server.host && password !== undefined
            ? { user: 'me', password, origin: 'a test' }
            : undefined,
        ),
    });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  async function fetch(repository = 'lab/tool'): Promise<void> {
    await client.fetchManifest(server.reference(repository, { tag: '1' }));
  }

  /** What was asked since the last call: whether with credentials, at `/v2/` and for tokens. */
  function asked(): string {
    const fields = server.seen.splice(0).map(({ url, authorization }) => {
      if (url.startsWith('/token')) return 'token';
      return authorization?.replace(/ .*/, '') ?? 'nothing';
    });
    const base = server.seenAtBase.splice(0);
    assert(base.every(({ authorization }) => authorization === undefined));
    return [...fields, ...base.map(() => '/v2/')].join(' ');
  }

  const QUESTIONS = {
    manifest: async () => await fetch(),
    'tag list': async () => void (await client.listTags(server.reference('lab/tool'))),
    blob: async () => void (await collect(await client.openBlob(server.reference('lab/tool'), DESCRIPTOR))),
  };

  for (const code of [401, 403, 404]) {
    for (const [what, ask] of Object.entries(QUESTIONS)) {
      it(`gets the credentials that it wants at /v2/ where it answers ${code} for a ${what}`, async () => {
        void new Hiding(server, code);
        await ask();
        assert.equal(asked(), 'nothing Basic /v2/');
        await ask();
        assert.equal(asked(), 'Basic');
      });
    }

    it(`gives out a token where it answers ${code}, also to those who have no credentials`, async () => {
      const hiding = new Hiding(server, code);
      for (const scheme of ['Bearer', 'anonymous Bearer'] as const) {
        hiding.scheme = scheme;
        if (scheme === 'anonymous Bearer') password = undefined;
        await fetch(scheme === 'Bearer' ? 'lab/tool' : 'lab/other');
        assert.match(asked(), /^nothing token Bearer( \/v2\/)?$/);
      }
    });
  }

  it('is asked at /v2/ once for all its images', async () => {
    const hiding = new Hiding(server, 404);
    hiding.scheme = 'Bearer';
    await Promise.all(Array.from({ length: 20 }, async () => await fetch()));
    await fetch('lab/other');
    assert.deepEqual([server.seenAtBase.length, hiding.tokens], [1, 2]);
  });

  for (const [code, failure] of [
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'tag-unknown'],
  ] as const satisfies readonly (readonly [number, FailureCode])[]) {
    it(`is believed where nobody has credentials: ${code} is ${failure}`, async () => {
      void new Hiding(server, code);
      password = undefined;
      for (const requests of ['nothing /v2/', 'nothing']) {
        assert.equal((await failureOf(fetch())).code, failure);
        assert.equal(asked(), requests);
      }
    });

    it(`is believed where anybody without credentials gets no token: ${code} is ${failure}`, async () => {
      new Hiding(server, code).scheme = 'Bearer';
      password = undefined;
      assert.equal((await failureOf(fetch())).code, failure);
      assert.equal(asked(), 'nothing token /v2/');
    });

    it(`is believed where /v2/ wants nothing: ${code} is ${failure}`, async () => {
      server.fail(/manifests/, status(code));
      for (const requests of ['nothing /v2/', 'nothing']) {
        assert.equal((await failureOf(fetch())).code, failure);
        assert.equal(asked(), requests);
      }
    });
  }

  it('is believed that it lacks what it does not show with credentials either', async () => {
    void new Hiding(server, 404);
    for (const requests of ['nothing Basic /v2/', 'Basic']) {
      const missing = server.reference('lab/tool', { tag: '2' });
      assert.equal((await failureOf(client.fetchManifest(missing))).code, 'tag-unknown');
      assert.equal(asked(), requests);
    }
  });

  it('is told so where it refuses the credentials', async () => {
    new Hiding(server, 404).scheme = 'Bearer';
    password = 'wrong';
    assert.equal((await failureOf(fetch())).code, 'unauthorized');
    assert.equal(asked(), 'nothing token /v2/');
  });

  it('is asked at /v2/ again where it could not be asked', async () => {
    void new Hiding(server, 404);
    const { guard } = server;
    let broken = 4;
    server.guard = (request, response) => {
      if (request.url !== '/v2/' || broken === 0) return guard(request, response);
      broken -= 1;
      response.writeHead(503).end();
      return true;
    };
    assert.equal((await failureOf(fetch())).code, 'tag-unknown');
    assert.equal(asked(), 'nothing /v2/ /v2/ /v2/ /v2/');
    await fetch();
    assert.equal(asked(), 'nothing Basic /v2/');
  });

  it('gets no credentials for the challenge of another host', async () => {
    const other = await FaultServer.start();
    try {
      other.guard = (_, response) => {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
        return true;
      };
      server.fail(/manifests/, status(404));
      server.fail(/^GET \/v2\/$/, redirect(`http://${other.host}/v2/`));
      assert.equal((await failureOf(fetch())).code, 'tag-unknown');
      assert.equal(asked(), 'nothing /v2/');
      assert.deepEqual(
        other.seenAtBase.map(({ authorization }) => authorization),
        [undefined],
      );
    } finally {
      await other.close();
    }
  });

  it('is not asked because of what another host refuses', async () => {
    const storage = await FaultServer.start();
    try {
      server.fail(/blobs/, redirect(`http://${storage.host}/gone`));
      storage.fail(/./, status(403));
      const opening = client.openBlob(server.reference('lab/tool'), DESCRIPTOR);
      assert.equal((await failureOf(opening)).code, 'forbidden');
      assert.equal(asked(), 'nothing');
      assert.deepEqual([storage.seen.length, storage.seenAtBase.length], [1, 0]);
    } finally {
      await storage.close();
    }
  });

  describe('and answers expired tokens without a word', () => {
    for (const scheme of ['Bearer', 'anonymous Bearer'] as const) {
      for (const code of [400, 401, 403]) {
        it(`gives out a new one after ${code} (${scheme})`, async () => {
          const hiding = new Hiding(server, 404);
          hiding.scheme = scheme;
          if (scheme === 'anonymous Bearer') password = undefined;
          await fetch();
          asked();
          hiding.answer = (_, response) => response.writeHead(code).end();
          hiding.firstValid = 2;
          for (const [, ask] of Object.entries(QUESTIONS)) await ask();
          assert.equal(asked(), 'Bearer token Bearer Bearer Bearer');
        });
      }
    }

    it('gives out a new one each time that one expires', async () => {
      const hiding = new Hiding(server, 403);
      hiding.scheme = 'Bearer';
      await fetch();
      for (let time = 2; time <= 4; time += 1) {
        asked();
        hiding.firstValid = time;
        await fetch();
        assert.equal(asked(), 'Bearer token Bearer');
      }
    });

    for (const [code, failure] of [
      [400, 'registry-error'],
      [401, 'unauthorized'],
      [403, 'forbidden'],
    ] as const) {
      it(`gives out one that is of no use, once: ${code} is ${failure}`, async () => {
        const hiding = new Hiding(server, 404);
        hiding.scheme = 'Bearer';
        await fetch();
        asked();
        hiding.answer = (_, response) => response.writeHead(code).end();
        hiding.firstValid = Infinity;
        for (const requests of ['Bearer token Bearer', 'Bearer', 'Bearer']) {
          assert.equal((await failureOf(fetch())).code, failure);
          assert.equal(asked(), requests);
        }
      });
    }

    it('gives out one for many who need it', async () => {
      const hiding = new Hiding(server, 403);
      hiding.scheme = 'Bearer';
      await fetch();
      hiding.firstValid = 2;
      await Promise.all(Array.from({ length: 20 }, async () => await fetch()));
      assert.equal(hiding.tokens, 2);
    });
  });

  it('gets the new password where the old one has expired', async () => {
    const hiding = new Hiding(server, 403);
    await fetch();
    asked();
    hiding.password = 'secret-2';
    assert.equal((await failureOf(fetch())).code, 'forbidden');
    assert.equal(asked(), 'Basic');
    password = 'secret-2';
    await fetch();
    assert.equal(asked(), 'Basic Basic');
  });
});
