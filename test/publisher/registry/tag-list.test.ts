import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { FailureCode } from '../../../wishlist/failure.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

/** How a registry answers one request for tags: `query` is the request's, `host` the registry's. */
type Lister = (query: URLSearchParams, host: string) => { tags: readonly string[]; link?: string };

interface Case {
  readonly what: string;
  readonly lister: Lister;
  /** Tags in their order, or how listing fails. */
  readonly gives: readonly string[] | FailureCode;
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
  { what: 'exactly n tags, whatever last is', lister: always(numbered(N)), gives: numbered(N), requests: 2 },
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
  {
    what: 'a link to another host',
    lister: always(['a'], `<http://other.example${PATH}?last=a>; rel="next"`),
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
      const tags = Array.from({ length: 300_000 }, (_, index) => `${page}-${index}`);
      return { tags, link: `<${PATH}?page=${page + 1}>; rel="next"` };
    },
    gives: 'registry-error',
    requests: 7,
  },
  {
    what: 'what is no tag, as it is',
    lister: always(['', '../a', 'a b', 'x'.repeat(200), 'a']),
    gives: ['', '../a', 'a b', 'x'.repeat(200), 'a'],
    requests: 1,
  },
];

describe('registry/tag-list', () => {
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
      assert.equal(url.pathname, PATH);
      const { tags, link } = lister(url.searchParams, server.host);
      response.writeHead(200, link === undefined ? {} : { link });
      response.end(JSON.stringify({ name: 'lab/tool', tags }));
      return true;
    };
  }

  async function list(): Promise<string[]> {
    return await client.listTags(server.reference('lab/tool'));
  }

  for (const { what, lister, gives, requests } of CASES) {
    it(`${what}: ${typeof gives === 'string' ? gives : 'all tags'} after ${requests} requests`, async () => {
      answerWith(lister);
      if (typeof gives === 'string') assert.equal((await failureOf(list())).code, gives);
      else assert.deepEqual(await list(), gives);
      assert.equal(server.seen.length, requests);
    });
  }

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
