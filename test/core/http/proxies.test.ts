import { strict as assert } from 'node:assert';
import { proxyFor, type Proxies, curlVariables } from '../../../core/http/proxies.ts';

const BOTH: Proxies = { https: new URL('http://secure.example:1'), http: new URL('http://plain.example:2') };

/** What `NO_PROXY` says, what is asked, and whether it goes through a proxy. */
const EXCEPTIONS: readonly (readonly [none: string, url: string, isProxied: boolean])[] = [
  ['', 'https://r.example/', true],
  ['*', 'https://r.example/', false],
  ['other, *', 'https://r.example/', false],
  ['r.example', 'https://r.example/', false],
  ['R.Example', 'https://r.EXAMPLE/', false],
  ['r.example', 'https://r.example./', false],
  ['r.example.', 'https://r.example/', false],
  ['r.example', 'https://a.r.example/', false],
  ['.r.example', 'https://a.r.example/', false],
  ['.r.example', 'https://r.example/', false],
  ['*.r.example', 'https://a.r.example/', false],
  ['r.example', 'https://other.example/', true],
  ['r.example', 'https://nr.example/', true],
  ['a.example,b.example', 'https://b.example/', false],
  ['a.example b.example', 'https://b.example/', false],
  [' a.example , b.example ', 'https://b.example/', false],
  ['r.example:443', 'https://r.example/', false],
  ['r.example:443', 'https://r.example:8443/', true],
  ['r.example:80', 'http://r.example/', false],
  ['r.example:8443', 'https://r.example:8443/', false],
  ['example', 'https://r.example/', false],
  ['192.0.2.1', 'http://192.0.2.1:5000/', false],
  ['192.0.2.1:5000', 'http://192.0.2.1:5000/', false],
  ['192.0.2.1:5001', 'http://192.0.2.1:5000/', true],
  ['0.2.1', 'http://192.0.2.1/', true],
  ['10.0.0.0/8', 'http://10.200.3.4/', false],
  ['10.0.0.0/8', 'http://11.0.0.1/', true],
  ['10.0.0.0/8', 'http://ten.example/', true],
  ['10.0.0.0/33', 'http://10.0.0.1/', true],
  ['2001:db8::1', 'http://[2001:db8::1]:5000/', false],
  ['[2001:db8::1]', 'http://[2001:db8::1]:5000/', false],
  ['[2001:db8::1]:5000', 'http://[2001:db8::1]:5000/', false],
  ['[2001:db8::1]:5001', 'http://[2001:db8::1]:5000/', true],
  ['fd00::/8', 'http://[fd12::1]/', false],
  ['[fd00::]/8', 'http://[fd12::1]/', false],
  ['a.example,fd00::/8', 'https://[fd12::1]:8443/', false],
  ['fd00::/8', 'http://[fe80::1]/', true],
  ['fd00::/8', 'http://10.0.0.1/', true],
  ['fd00::/129', 'http://[fd00::1]/', true],
  ['', 'http://localhost:5000/', false],
  ['', 'https://registry.localhost/', false],
  ['', 'http://127.0.0.1:5000/', false],
  ['', 'http://127.1.2.3/', false],
  ['', 'http://[::1]:5000/', false],
  ['', 'http://128.0.0.1/', true],
];

describe('core/http/proxies', () => {
  for (const [none, url, isProxied] of EXCEPTIONS) {
    it(`NO_PROXY ${JSON.stringify(none)}: ${url} goes ${isProxied ? 'through a proxy' : 'directly'}`, () => {
      assert.equal(proxyFor(new URL(url), { ...BOTH, none }) !== undefined, isProxied);
    });
  }

  for (const [url, proxies, host] of [
    ['https://r.example/', BOTH, 'secure.example:1'],
    ['http://r.example/', BOTH, 'plain.example:2'],
    ['https://r.example/', { http: BOTH.http }, undefined],
    ['http://r.example/', { https: BOTH.https }, undefined],
  ] as const) {
    it(`${url} with proxies for ${Object.keys(proxies).join(' and ')} goes through ${host}`, () => {
      assert.equal(proxyFor(new URL(url), proxies)?.host, host);
    });
  }
});

type Variables = Readonly<Record<string, string>>;

const PROXIES = { HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'p:2' };
const CURL_BOTH = { https_proxy: 'http://s:1/', http_proxy: 'http://p:2/' };

const CASES: readonly (readonly [environment: Variables, url: string, variables: Variables])[] = [
  [{}, 'https://git.example/x', {}],
  [PROXIES, 'https://git.example/x', CURL_BOTH],
  [
    { https_proxy: 'http://a:1', HTTPS_PROXY: 'b:2' },
    'https://git.example/x',
    { https_proxy: 'http://a:1/' },
  ],
  [
    { ...PROXIES, NO_PROXY: 'other.example' },
    'https://git.example/x',
    { ...CURL_BOTH, no_proxy: 'other.example' },
  ],
  [
    { ...PROXIES, NO_PROXY: '10.0.0.0/8' },
    'https://10.1.2.3/x',
    { ...CURL_BOTH, no_proxy: '10.0.0.0/8,10.1.2.3' },
  ],
  [{ ...PROXIES, NO_PROXY: '10.0.0.0/8' }, 'https://11.1.2.3/x', { ...CURL_BOTH, no_proxy: '10.0.0.0/8' }],
  [
    { ...PROXIES, NO_PROXY: 'fd00::/8' },
    'https://[fd12::1]/x',
    { ...CURL_BOTH, no_proxy: 'fd00::/8,fd12::1' },
  ],
  [
    { ...PROXIES, no_proxy: 'git.example:8443' },
    'https://git.example:8443/x',
    { ...CURL_BOTH, no_proxy: 'git.example:8443,git.example' },
  ],
  [{ ...PROXIES, NO_PROXY: 'a.example, *' }, 'https://git.example/x', { ...CURL_BOTH, no_proxy: '*' }],
  [PROXIES, 'http://127.0.0.1:8080/x', { ...CURL_BOTH, no_proxy: '127.0.0.1' }],
];

describe('core/http/proxies', () => {
  for (const [environment, url, variables] of CASES) {
    it(`${JSON.stringify(environment)} and ${url} give curl ${JSON.stringify(variables)}`, () => {
      assert.deepEqual(curlVariables(new URL(url), environment), variables);
    });
  }

  it('refuses what is no address of a proxy, without a word of it', () => {
    assert.throws(
      () => curlVariables(new URL('https://git.example'), { HTTPS_PROXY: 'socks5://me:secret@p' }),
      {
        code: 'configuration-invalid',
        message: 'the environment variable HTTPS_PROXY is not a valid address of a proxy',
      },
    );
  });
});
