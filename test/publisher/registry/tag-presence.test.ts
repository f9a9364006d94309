import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { Credentials, RegistryOptions } from '../../../publisher/registry/options.ts';
import type { Presence } from '../../../publisher/registry/tag-presence.ts';
import { parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { describeWith } from '../../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../../support/registry/docker-registry.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import {
  cut,
  drip,
  drop,
  instead,
  redirect,
  silence,
  status,
  type Fault,
} from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { deleteManifest, pushImage } from '../../support/registry/push.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { TokenServer } from '../../support/registry/token-server.ts';
import { TokenService } from '../../support/registry/token-service.ts';

const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });
const USER: Credentials = { user: 'robot', password: 'secret', origin: 'a test' };
const BASIC = `Basic ${Buffer.from('robot:secret').toString('base64')}`;
const SHORT: Partial<RegistryOptions> = { headersTimeoutMs: 100, bodyTimeoutMs: 100, tries: 1 };
const UNKNOWN = status(404, { code: 'MANIFEST_UNKNOWN' });

/** What the registry does wrong; all else it does as a registry without the tag `2` should. */
interface Case {
  readonly what: string;
  readonly wrong: (server: FaultServer, other: FaultServer) => void;
  readonly options?: (server: FaultServer) => Partial<RegistryOptions>;
  readonly tag2: Presence;
}

function page(tags: readonly string[], link?: string): Fault {
  const text = JSON.stringify({ name: 'lab/tool', tags });
  return instead(text, link === undefined ? {} : { link: `<${link}>; rel="next"` });
}

function body404(text: string, headers: Readonly<Record<string, string>> = {}): Fault {
  return (response) => response.writeHead(404, headers).end(text);
}

const cut404: Fault = (response) => {
  const text = '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}';
  response.writeHead(404, { 'content-length': text.length * 2 });
  response.write(text, () => response.destroy());
};

function ofManifests(fault: Fault): (server: FaultServer) => void {
  return (server) => server.fail(/manifests\/2/, fault);
}

/** A HEAD has no body that could be wrong. */
function ofGets(fault: Fault): (server: FaultServer) => void {
  return (server) => server.fail(/^GET .*manifests\/2/, fault);
}

function ofLists(fault: Fault): (server: FaultServer) => void {
  return (server) => server.fail(/tags\/list/, fault);
}

function addTokens(server: FaultServer, basic = BASIC, expiresInS = 300): TokenService {
  return new TokenService(server, { basic, expiresInS });
}

/** Asks for no credentials where paths name `part`, nor for any at `/v2/`. */
function open(server: FaultServer, part: string): void {
  const { guard } = server;
  server.guard = (request, response) => {
    const { url = '' } = request;
    return url !== '/v2/' && !url.includes(part) && guard(request, response);
  };
}

function withUser(): Partial<RegistryOptions> {
  return { credentials: async () => await Promise.resolve(USER) };
}

const HTML = '<html><body>404 Not Found</body></html>';
const GONE: readonly Case[] = [
  { what: 'nothing', wrong: () => undefined, tag2: 'gone' },
  { what: '404 without a body', wrong: ofManifests(status(404)), tag2: 'gone' },
  {
    what: '404 NOT_FOUND, as Harbor answers',
    wrong: ofManifests(status(404, { code: 'NOT_FOUND' })),
    tag2: 'gone',
  },
  { what: 'no HEAD', wrong: (server) => server.fail(/^HEAD /, status(405)), tag2: 'gone' },
  { what: 'an empty list, and no such manifest', wrong: ofLists(page([])), tag2: 'gone' },
  {
    what: 'a list of several pages',
    wrong: (server) => server.tagPages.set('lab/tool', [['0'], ['1']]),
    tag2: 'gone',
  },
  {
    what: 'nothing, with credentials',
    wrong: (server) => addTokens(server),
    options: withUser,
    tag2: 'gone',
  },
  {
    what: 'a mirror that is down',
    wrong: () => undefined,
    options: () => ({
      routes: () => ({ proxy: undefined, mirrors: [{ scheme: 'http', host: '127.0.0.1:1', prefix: '' }] }),
    }),
    tag2: 'gone',
  },
];

const THERE: readonly Case[] = [
  { what: 'a tag that is there', wrong: (server) => server.addImage('lab/tool', '2', IMAGE), tag2: 'there' },
  {
    what: 'a list cut short of a tag that is there',
    wrong: (server) => {
      server.addImage('lab/tool', '2', IMAGE);
      server.fail(/tags\/list/, page([]));
    },
    tag2: 'there',
  },
  { what: '200 for everything', wrong: (server) => server.fail(/./, instead(HTML)), tag2: 'there' },
];

const UNSURE: readonly (readonly [what: string, wrong: Case['wrong'], options?: Case['options']])[] = [
  ['401 for the manifest', ofManifests(status(401))],
  ['403 for the manifest', ofManifests(status(403, { code: 'DENIED' }))],
  ['429 for the manifest', ofManifests(status(429, { headers: { 'retry-after': '61' } }))],
  ['500 for the manifest', ofManifests(status(500))],
  ['503 for the manifest', ofManifests(status(503))],
  ['no answer for the manifest', ofManifests(silence), () => SHORT],
  ['a closed connection for the manifest', ofManifests(drop)],
  ['404 NAME_UNKNOWN', ofManifests(status(404, { code: 'NAME_UNKNOWN' }))],
  ['404 with another code', ofManifests(status(404, { code: 'UNSUPPORTED' }))],
  ['404 with two codes', ofManifests(body404('{"errors":[{"code":"MANIFEST_UNKNOWN"},{"code":"DENIED"}]}'))],
  ['404 with HTML', ofManifests(body404(HTML, { 'content-type': 'text/html' }))],
  ['404 with a body that is cut', ofGets(cut404)],
  ['404 with half of the JSON', ofManifests(body404('{"errors":[{"code":"MANIFEST_UNKNOWN"'))],
  ['404 with JSON of no errors', ofManifests(body404('{"errors":[]}'))],
  ['404 with a body that drips', ofGets(drip(404)), () => ({ requestTimeoutMs: 2000 })],
  [
    '404 of another server, after a redirect',
    (server, other) => {
      other.fail(/./, UNKNOWN);
      server.fail(/manifests\/2/, redirect(`http://${other.host}/v2/lab/tool/manifests/2`));
    },
  ],
  ['404 NAME_UNKNOWN for the list', ofLists(status(404, { code: 'NAME_UNKNOWN' }))],
  ['401 for the list', ofLists(status(401))],
  ['403 for the list', ofLists(status(403))],
  ['429 for the list', ofLists(status(429, { headers: { 'retry-after': '61' } }))],
  ['500 for the list', ofLists(status(500))],
  ['503 for the list', ofLists(status(503))],
  ['no answer for the list', ofLists(silence), () => SHORT],
  ['a list whose body is cut', ofLists(cut)],
  ['HTML for the list', ofLists(instead(HTML))],
  ['a list with the tag', ofLists(page(['1', '2']))],
  ['a list that ends as a page does', ofLists(page(Array.from({ length: 100 }, (_, index) => `t${index}`)))],
  [
    'a list whose second page is missing',
    (server) => {
      server.fail(/tags\/list\?n=/, page(['0'], '/v2/lab/tool/tags/list?page=2'));
      server.fail(/tags\/list\?page=2/, status(404));
    },
  ],
  [
    'a list whose second page is limited',
    (server) => {
      server.fail(/tags\/list\?n=/, page(['0'], '/v2/lab/tool/tags/list?page=2'));
      server.fail(/tags\/list\?page=2/, status(429, { headers: { 'retry-after': '61' } }));
    },
  ],
  [
    'a list of another server, after a redirect',
    (server, other) => {
      other.fail(/./, page(['1']));
      server.fail(/tags\/list/, redirect(`http://${other.host}/v2/lab/tool/tags/list`));
    },
  ],
  [
    '500 for what nobody has, as of a pull-through cache',
    (server) => server.fail(/manifests\/sha256/, status(500)),
  ],
  ['200 for what nobody has', (server) => server.fail(/manifests\/sha256/, instead('{}'))],
  [
    'a pull-through proxy',
    () => undefined,
    ({ host }) => ({ routes: () => ({ proxy: { scheme: 'http', host, prefix: '' }, mirrors: [] }) }),
  ],
  ['no challenge, and credentials that are not sent', () => undefined, withUser],
  [
    'credentials that are refused',
    (server) => addTokens(server),
    () => ({ credentials: async () => await Promise.resolve({ ...USER, password: 'expired' }) }),
  ],
  [
    'tokens that are refused',
    (server) => {
      addTokens(server);
      const { guard } = server;
      server.guard = (request, response) => guard(request, response) || (response.writeHead(401).end(), true);
    },
    withUser,
  ],
  [
    'credentials that only the list asks for',
    (server) => {
      addTokens(server);
      open(server, 'manifests');
    },
    withUser,
  ],
  [
    'credentials that the list does not ask for',
    (server) => {
      addTokens(server, BASIC, 0);
      open(server, 'tags/list');
    },
    withUser,
  ],
  [
    'credentials that are refused, and a list for everybody',
    (server) => {
      addTokens(server, 'Basic of-another');
      open(server, 'tags/list');
    },
    withUser,
  ],
];

const CASES: readonly Case[] = [
  ...GONE,
  ...THERE,
  ...UNSURE.map(([what, wrong, options]): Case => ({
    what,
    wrong,
    tag2: 'unsure',
    ...(options && { options }),
  })),
];

describe('publisher/registry/tag-presence', () => {
  let server: FaultServer;
  let other: FaultServer;
  let client: RegistryClient | undefined;

  beforeEach(async () => {
    [server, other] = [await FaultServer.start(), await FaultServer.start()];
    server.addImage('lab/tool', '1', IMAGE);
    server.tagPages.set('lab/tool', [['1']]);
  });

  afterEach(async () => {
    await client?.close();
    await server.close();
    await other.close();
  });

  for (const { what, wrong, options, tag2 } of CASES) {
    it(`${what}: ${tag2}`, async () => {
      wrong(server, other);
      if (tag2 !== 'there') server.fail(/manifests\/(?:2|sha256)/, UNKNOWN);
      client = quickClient(options?.(server));
      const found = await client.presenceOf(server.reference('lab/tool', { tag: '*' }), ['2']);
      assert.deepEqual([...found], [['2', tag2]]);
    });
  }

  it('asks of many tags the list once, and of those that are there only a HEAD', async () => {
    server.addImage('lab/tool', '3', IMAGE);
    server.fail(/manifests\/(?:[24]|sha256)/, UNKNOWN);
    client = quickClient();
    const found = await client.presenceOf(server.reference('lab/tool', { tag: '*' }), ['1', '2', '3', '4']);
    assert.deepEqual([...found], [['1', 'there'], ['2', 'gone'], ['3', 'there'], ['4', 'gone']]); // prettier-ignore
    const count = (pattern: RegExp): number =>
      server.seen.filter(({ method, url }) => pattern.test(`${method} ${url}`)).length;
    assert.deepEqual(
      [count(/^HEAD .*\/[1-4]$/), count(/^GET .*\/[13]$/), count(/^GET .*\/[24]$/)],
      [4, 0, 2],
    );
    assert.equal(count(/tags\/list/), 1);
  });

  it('asks for no further tags once the registry fails', async () => {
    server.fail(/manifests\//, status(403));
    client = quickClient();
    const found = await client.presenceOf(server.reference('lab/tool', { tag: '*' }), ['2', '3', '4']);
    assert.deepEqual(new Set(found.values()), new Set(['unsure']));
    assert(
      server.paths.every((path) => path.endsWith('/2')),
      server.paths.join(' '),
    );
  });

  it('is interrupted', async () => {
    const signal = AbortSignal.abort();
    client = quickClient({ signal });
    assert.equal(
      (await failureOf(client.presenceOf(server.reference('lab/tool'), ['2']))).code,
      'interrupted',
    );
  });
});

describeWith(['docker-registry'], 'publisher/registry/tag-presence', () => {
  let registry: DockerRegistry;
  const opened: { close: () => Promise<void> }[] = [];

  beforeEach(async () => {
    registry = await startDockerRegistry();
    opened.push(registry);
  });

  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close();
  });

  async function ask(
    image: string,
    host = registry.host,
    options: Partial<RegistryOptions> = {},
  ): Promise<Presence | undefined> {
    const client = quickClient(options);
    opened.push(client);
    const reference: ImageReference = parseReference(`http://${host}/${image}`);
    return (await client.presenceOf(reference, [reference.tag ?? ''])).get(reference.tag ?? '');
  }

  it('knows the tags of a real registry, and those that were deleted', async () => {
    const first = await pushImage(registry.host, 'lab/tool', '1', { layers: [plainLayer(Buffer.from('a'))] });
    const second = await pushImage(registry.host, 'lab/tool', '2', { layers: [] });
    assert.equal(await ask('lab/tool:1'), 'there');
    await deleteManifest(registry.host, 'lab/tool', first.manifestDigest);
    assert.deepEqual([await ask('lab/tool:1'), await ask('lab/tool:2')], ['gone', 'there']);
    await deleteManifest(registry.host, 'lab/tool', second.manifestDigest);
    assert.equal(await ask('lab/tool:2'), 'gone');
  });

  it('is unsure of a repository that the registry does not know: its storage may be missing', async () => {
    assert.equal(await ask('lab/tool:1'), 'unsure');
  });

  it('is unsure of a pull-through cache, with its origin and without', async () => {
    await pushImage(registry.host, 'lab/tool', '1', { layers: [] });
    await pushImage(registry.host, 'lab/tool', '2', { layers: [] });
    const cache = await startDockerRegistry({ proxyOf: `http://${registry.host}` });
    opened.push(cache);
    assert.deepEqual(
      [await ask('lab/tool:1', cache.host), await ask('lab/tool:9', cache.host)],
      ['there', 'unsure'],
    );
    await registry.close();
    // It lists what it has then, and answers MANIFEST_UNKNOWN for the rest.
    assert.equal(await ask('lab/tool:2', cache.host), 'unsure');
  });

  describeWith(['openssl'], 'with tokens', () => {
    let tokens: TokenServer;

    beforeEach(async () => {
      tokens = await TokenServer.start();
      opened.push(tokens);
    });

    for (const [what, image, change, presence] of [
      ['the right credentials', 'lab/tool:9', {}, 'gone'],
      ['expired credentials', 'lab/tool:9', { password: 'expired' }, 'unsure'],
      ['expired credentials for what everybody may read', 'public/tool:9', { password: 'expired' }, 'unsure'],
    ] as const) {
      it(`with ${what}: ${presence}`, async () => {
        const storage = await temporaryDirectory('storage');
        const open = await startDockerRegistry({ storage });
        opened.push(open);
        for (const repository of ['lab/tool', 'public/tool'])
          await pushImage(open.host, repository, '1', { layers: [] });
        const closed = await startDockerRegistry({ storage, auth: tokens.auth });
        opened.push(closed);
        const credentials = { ...tokens.credentials, ...change };
        assert.equal(
          await ask(image, closed.host, { credentials: async () => await Promise.resolve(credentials) }),
          presence,
        );
      });
    }

    it('with none, for what only some may read: unsure', async () => {
      const closed = await startDockerRegistry({ auth: tokens.auth });
      opened.push(closed);
      assert.equal(await ask('lab/tool:9', closed.host), 'unsure');
    });
  });
});
