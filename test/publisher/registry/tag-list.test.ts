import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

/** How a registry answers one request for tags: `query` is the request's, `host` the registry's. A number is a status. */
type Lister = (
  query: URLSearchParams,
  host: string,
) => { tags: readonly string[]; link?: string | readonly string[] } | number;

interface Case {
  readonly what: string;
  readonly lister: Lister;
  /** Tags in their order, or how listing fails. */
  readonly gives: readonly string[] | FailureCode;
  /** Whether it is not known to be all of them. */
  readonly isDoubtful?: boolean;
  readonly requests: number;
}

/** What unpackd asks for. */
const N = 1000;

/** `t0001`, `t0002`, …: in the order in which registries sort them. */
function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `t${String(index + 1).padStart(4, '0')}`);
}

/** As the specification has it, but without links. */
function sorted(tags: readonly string[]): Lister {
  return (query) => {
    const last = query.get('last') ?? '';
    return { tags: tags.filter((tag) => tag > last).slice(0, Number(query.get('n'))) };
  };
}

/** As the specification has it, with links that `write` makes of `n=…&last=…`, and pages of `size` at most. */
function linking(
  tags: readonly string[],
  size: number,
  write: (query: string, host: string) => string,
): Lister {
  return (query, host) => {
    const last = query.get('last') ?? '';
    const rest = tags.filter((tag) => tag > last);
    const page = rest.slice(0, Math.min(size, Number(query.get('n'))));
    if (page.length === rest.length) return { tags: page };
    return { tags: page, link: `<${write(`n=${size}&last=${page.at(-1)}`, host)}>; rel="next"` };
  };
}

/** At most `size` tags at a time. */
function capped(tags: readonly string[], size: number): Lister {
  return (query) => ({ tags: tags.filter((tag) => tag > (query.get('last') ?? '')).slice(0, size) });
}

function unbracketed(lister: Lister): Lister {
  return (query, host) => {
    const answer = lister(query, host);
    if (typeof answer === 'number' || answer.link === undefined) return answer;
    return { ...answer, link: String(answer.link).replace(/[<>]/g, '') };
  };
}

/** The same tags whatever is asked for. */
function always(tags: readonly string[], link?: string): Lister {
  return () => ({ tags, ...(link === undefined ? {} : { link }) });
}

const PATH = '/v2/lab/tool/tags/list';

const CASES: readonly Case[] = [
  { what: 'no tags', lister: always([]), gives: [], requests: 1 },
  { what: 'fewer tags than n', lister: sorted(numbered(N - 1)), gives: numbered(N - 1), requests: 1 },
  { what: 'more tags than n at once', lister: always(numbered(N + 1)), gives: numbered(N + 1), requests: 1 },
  { what: 'exactly n tags, and no more', lister: sorted(numbered(N)), gives: numbered(N), requests: 2 },
  {
    what: 'exactly n tags, whatever last is',
    lister: always(numbered(N)),
    gives: numbered(N),
    isDoubtful: true,
    requests: 2,
  },
  {
    what: 'no more than 100 tags at a time, whatever n is, and no links',
    lister: capped(numbered(250), 100),
    gives: numbered(250),
    requests: 3,
  },
  { what: 'exactly 100 tags in all', lister: capped(numbered(100), 1000), gives: numbered(100), requests: 2 },
  {
    what: '100 tags, whatever last is',
    lister: always(numbered(100)),
    gives: numbered(100),
    isDoubtful: true,
    requests: 2,
  },
  { what: '99 tags, whatever last is', lister: always(numbered(99)), gives: numbered(99), requests: 1 },
  ...[400, 401, 403, 404, 405, 501].map((code) => ({
    what: `n tags, and ${code} for what comes after them`,
    lister: (query: URLSearchParams) => (query.has('last') ? code : { tags: numbered(N) }),
    gives: numbered(N),
    isDoubtful: true,
    requests: 2,
  })),
  {
    what: 'n tags twice, and then 400',
    lister: (query) => (query.get('last') === 't2000' ? 400 : sorted(numbered(3 * N))(query, '')),
    gives: numbered(2 * N),
    isDoubtful: true,
    requests: 3,
  },
  {
    what: 'n tags, and no connection for what comes after them',
    lister: (query) => (query.has('last') ? 0 : { tags: numbered(N) }),
    gives: 'registry-unreachable',
    requests: 5,
  },
  { what: 'n tags, then fewer', lister: sorted(numbered(N + 1)), gives: numbered(N + 1), requests: 2 },
  { what: 'n tags three times', lister: sorted(numbered(3 * N)), gives: numbered(3 * N), requests: 4 },
  {
    what: 'n tags, and from then on the last ones again',
    lister: (query) => ({ tags: query.has('last') ? numbered(N).slice(-3) : numbered(N) }),
    gives: numbered(N),
    requests: 2,
  },
  {
    what: 'pages that begin with the last tag of the one before',
    lister: (query) => {
      const from = query.get('last') ?? '';
      return {
        tags: numbered(2500)
          .filter((tag) => tag >= from)
          .slice(0, N),
      };
    },
    gives: numbered(2500),
    requests: 3,
  },
  {
    what: 'n tags, and a link from the second page on',
    lister: (query, host) =>
      query.has('last')
        ? linking(numbered(2500), N, (next) => `${PATH}?${next}`)(query, host)
        : { tags: numbered(N) },
    gives: numbered(2500),
    requests: 3,
  },
  {
    what: 'pages of n tags that end where no link is',
    lister: linking(numbered(2 * N), N, (query) => `${PATH}?${query}`),
    gives: numbered(2 * N),
    requests: 2,
  },
  {
    what: 'links relative to the host, over many pages',
    lister: linking(numbered(1200), 100, (query) => `${PATH}?${query}`),
    gives: numbered(1200),
    requests: 12,
  },
  {
    what: 'links relative to the page',
    lister: linking(numbered(5), 2, (query) => `?${query}`),
    gives: numbered(5),
    requests: 3,
  },
  {
    what: 'absolute links',
    lister: linking(numbered(5), 2, (query, host) => `http://${host}${PATH}?${query}`),
    gives: numbered(5),
    requests: 3,
  },
  ...[
    'http://other.example',
    'https://other.example:8443',
    'http://registry:5000',
    'http://[::1]:5000',
    '//other.example',
  ].map((origin) => ({
    what: `links to ${origin}: what the registry calls itself behind a proxy`,
    lister: linking(numbered(5), 2, (query) => `${origin}${PATH}?${query}`),
    gives: numbered(5),
    requests: 3,
  })),
  {
    what: 'links without brackets',
    lister: unbracketed(linking(numbered(5), 2, (query) => `${PATH}?${query}`)),
    gives: numbered(5),
    requests: 3,
  },
  {
    what: 'links without brackets to another host',
    lister: unbracketed(linking(numbered(5), 2, (query) => `http://registry:5000${PATH}?${query}`)),
    gives: numbered(5),
    requests: 3,
  },
  {
    what: 'links in one of several fields',
    lister: (query) =>
      query.has('last')
        ? { tags: ['b'] }
        : { tags: ['a'], link: [`<${PATH}?x>; rel="first"`, `<${PATH}?last=a>; rel=next`] },
    gives: ['a', 'b'],
    requests: 2,
  },
  {
    what: 'a link to what is no page',
    lister: always(['a'], '<mailto:somebody@example.org>; rel="next"'),
    gives: 'registry-error',
    requests: 1,
  },
  {
    what: 'links with another scheme: one that does not know of the proxy in front of it',
    lister: linking(numbered(5), 2, (query, host) => `https://${host}${PATH}?${query}`),
    gives: numbered(5),
    requests: 3,
  },
  {
    what: 'a link that is no address',
    lister: always(['a'], '<http://>; rel="next"'),
    gives: 'registry-error',
    requests: 1,
  },
  {
    what: 'a link to the page itself',
    lister: always(['a'], `<${PATH}?n=${N}>; rel="next"`),
    gives: 'registry-error',
    requests: 1,
  },
  {
    what: 'a page that repeats behind a link',
    lister: always(['a', 'b'], `<${PATH}?last=b>; rel="next"`),
    gives: 'registry-error',
    requests: 2,
  },
  {
    what: 'empty pages for ever',
    lister: (query) => ({
      tags: [],
      link: `<${PATH}?page=${(Number(query.get('page')) + 1) % 3}>; rel="next"`,
    }),
    gives: 'registry-error',
    requests: 4,
  },
  {
    what: 'new tags for ever, before the same last one',
    lister: (query) => ({ tags: [...numbered(N - 1).map((tag) => `${tag}${query.get('last') ?? ''}`), 'z'] }),
    gives: 'registry-error',
    requests: 2,
  },
  {
    what: 'new tags for ever',
    lister: (query) => {
      const page = Number(query.get('page') ?? '0');
      const tags = Array.from({ length: 100_000 }, (_, index) => `${page}-${index}`);
      return { tags, link: `<${PATH}?page=${page + 1}>; rel="next"` };
    },
    gives: 'registry-error',
    requests: 3,
  },
  {
    what: 'few tags that are long, for ever',
    lister: (query) => {
      const page = Number(query.get('page') ?? '0');
      const tags = Array.from({ length: 20_000 }, (_, index) => `${page}-${index}-`.padEnd(128, 'x'));
      return { tags, link: `<${PATH}?page=${page + 1}>; rel="next"` };
    },
    gives: 'registry-error',
    requests: 4,
  },
  {
    what: 'a tag of a million characters, by its beginning',
    lister: always(['x'.repeat(1_000_000), 'a']),
    gives: ['x'.repeat(129), 'a'],
    requests: 1,
  },
  {
    what: 'what is no tag, as it is',
    lister: always(['', '../a', 'a b', 'x'.repeat(129), 'a']),
    gives: ['', '../a', 'a b', 'x'.repeat(129), 'a'],
    requests: 1,
  },
];

describe('publisher/registry/tag-list', () => {
  let server: FaultServer;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  /** Lets `lister` answer whatever the guard that is there lets through. */
  function answerWith(lister: Lister): void {
    const { guard } = server;
    server.guard = (request, response) => {
      if (guard(request, response)) return true;
      const url = new URL(request.url ?? '', `http://${server.host}`);
      if (url.pathname === '/v2/') return false;
      assert.equal(url.pathname, PATH);
      const answer = lister(url.searchParams, server.host);
      if (answer === 0) response.destroy();
      else if (typeof answer === 'number') response.writeHead(answer).end();
      if (typeof answer === 'number') return true;
      const { tags, link } = answer;
      response.writeHead(
        200,
        link === undefined ? {} : { link: typeof link === 'string' ? link : [...link] },
      );
      response.end(JSON.stringify({ name: 'lab/tool', tags }));
      return true;
    };
  }

  async function list(): Promise<readonly string[]> {
    return (await client.listTags(server.reference('lab/tool'))).tags;
  }

  for (const { what, lister, gives, requests, isDoubtful = false } of CASES) {
    const end = typeof gives === 'string' ? gives : isDoubtful ? 'in doubt' : 'all tags';
    it(`${what}: ${end} after ${requests} requests`, async () => {
      answerWith(lister);
      const listing = client.listTags(server.reference('lab/tool'));
      if (typeof gives === 'string') assert.equal((await failureOf(listing)).code, gives);
      else assert.deepEqual(await listing, { tags: gives, isWhole: !isDoubtful });
      assert.equal(server.seen.length, requests);
    });
  }

  it('asks the registry itself where the list of a mirror is in doubt', async () => {
    const mirror = await FaultServer.start();
    const place = { scheme: 'http', host: mirror.host, prefix: '' } as const;
    const asked = quickClient({ routes: () => ({ proxy: undefined, mirrors: [place] }) });
    try {
      mirror.tagPages.set('lab/tool', [numbered(100)]);
      answerWith(always(numbered(101)));
      const { tags, isWhole } = await asked.listTags(server.reference('lab/tool'));
      assert.deepEqual([tags.length, isWhole], [101, true]);
    } finally {
      await asked.close();
      await mirror.close();
    }
  });

  it('sends no credentials to the host that a link names', async () => {
    const other = await FaultServer.start();
    try {
      void new TokenService(server);
      answerWith(linking(numbered(5), 2, (query) => `http://${other.host}${PATH}?${query}`));
      assert.deepEqual(await list(), numbered(5));
      assert.deepEqual([other.connections, other.seen.length], [0, 0]);
    } finally {
      await other.close();
    }
  });

  it('asks for so many tags, and then after the last one', async () => {
    const tags = numbered(N - 1);
    answerWith(sorted([...tags, 'z+&']));
    assert.deepEqual(await list(), [...tags, 'z+&']);
    assert.deepEqual(server.paths, [`${PATH}?n=1000`, `${PATH}?n=1000&last=z%2B%26`]);
  });

  for (const [what, lister] of [
    ['with links', linking(numbered(5), 2, (query) => `${PATH}?${query}`)],
    ['without links', sorted(numbered(2 * N + 1))],
  ] as const) {
    it(`goes on with a new token where the old one is refused between two pages ${what}`, async () => {
      const tokens = new TokenService(server);
      let pages = 0;
      answerWith((query, host) => {
        pages += 1;
        if (pages === 1) tokens.revoke();
        return lister(query, host);
      });
      const tags = await list();
      assert.equal(new Set(tags).size, tags.length);
      assert.equal(pages, 3);
      const fields = server.seen
        .filter(({ url }) => url.startsWith('/v2/'))
        .map(({ authorization }) => authorization);
      const [one, two] = ['Bearer secret-token-1', 'Bearer secret-token-2'];
      assert.deepEqual(fields, [undefined, one, one, two, two]);
    });
  }

  it('fails where no token is given out for a later page', async () => {
    const tokens = new TokenService(server);
    const { guard } = server;
    let given = 0;
    server.guard = (request, response) => {
      if (request.url?.startsWith('/token') === true && (given += 1) > 1) {
        response.writeHead(401).end();
        return true;
      }
      return guard(request, response);
    };
    answerWith((query, host) => {
      tokens.revoke();
      return linking(numbered(5), 2, (next) => `${PATH}?${next}`)(query, host);
    });
    assert.equal((await failureOf(list())).code, 'unauthorized');
  });
});
