import { strict as assert } from 'node:assert';
import { curlVariables } from '../../../core/http/proxy-variables.ts';

type Variables = Readonly<Record<string, string>>;

const PROXIES = { HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'p:2' };
const BOTH = { https_proxy: 'http://s:1/', http_proxy: 'http://p:2/' };

const CASES: readonly (readonly [environment: Variables, url: string, variables: Variables])[] = [
  [{}, 'https://git.example/x', {}],
  [PROXIES, 'https://git.example/x', BOTH],
  [
    { https_proxy: 'http://a:1', HTTPS_PROXY: 'b:2' },
    'https://git.example/x',
    { https_proxy: 'http://a:1/' },
  ],
  [
    { ...PROXIES, NO_PROXY: 'other.example' },
    'https://git.example/x',
    { ...BOTH, no_proxy: 'other.example' },
  ],
  [
    { ...PROXIES, NO_PROXY: '10.0.0.0/8' },
    'https://10.1.2.3/x',
    { ...BOTH, no_proxy: '10.0.0.0/8,10.1.2.3' },
  ],
  [{ ...PROXIES, NO_PROXY: '10.0.0.0/8' }, 'https://11.1.2.3/x', { ...BOTH, no_proxy: '10.0.0.0/8' }],
  [{ ...PROXIES, NO_PROXY: 'fd00::/8' }, 'https://[fd12::1]/x', { ...BOTH, no_proxy: 'fd00::/8,fd12::1' }],
  [
    { ...PROXIES, no_proxy: 'git.example:8443' },
    'https://git.example:8443/x',
    { ...BOTH, no_proxy: 'git.example:8443,git.example' },
  ],
  [{ ...PROXIES, NO_PROXY: 'a.example, *' }, 'https://git.example/x', { ...BOTH, no_proxy: '*' }],
  [PROXIES, 'http://127.0.0.1:8080/x', { ...BOTH, no_proxy: '127.0.0.1' }],
];

describe('network/proxy-variables', () => {
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
        message: 'the environment variable HTTPS_PROXY is no address of a proxy',
      },
    );
  });
});
