import { strict as assert } from 'node:assert';
import { proxyFor, type Proxies } from '../../../core/http/proxies.ts';

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

describe('network/proxies', () => {
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
