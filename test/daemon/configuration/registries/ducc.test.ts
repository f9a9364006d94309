import assert from 'node:assert/strict';
import { readDuccRegistries } from '../../../../daemon/configuration/registries/ducc.ts';

const LOGIN = { DUCC_A_IDENT: 'quay.io', DUCC_A_USER: 'ada-user', DUCC_A_PASS: 's3cret' };

function read(environment: Record<string, string>) {
  const problems: string[] = [];
  const registries = Object.fromEntries(readDuccRegistries(environment, problems));
  return { registries, problems };
}

describe('daemon/configuration/registries/ducc', () => {
  it('may be none', () => {
    for (const environment of [{}, { DUCC_AUTH_REGISTRIES: '' }, { DUCC_AUTH_REGISTRIES: ' ,' }, LOGIN])
      assert.deepEqual(read(environment), { registries: {}, problems: [] });
  });

  it('give user and password, a proxy, or both', () => {
    const environment = {
      ...LOGIN,
      DUCC_AUTH_REGISTRIES: 'A, B,,b_2,A',
      DUCC_B_IDENT: 'docker.io',
      DUCC_B_PROXY: 'harbor.example.org/hub',
      DUCC_b_2_IDENT: 'localhost:5000',
      DUCC_b_2_USER: 'u',
      DUCC_b_2_PASS: 'p:q',
      DUCC_b_2_PROXY: 'http://localhost:5001',
    };
    assert.deepEqual(read(environment), {
      registries: {
        'quay.io': {
          credentials: { user: 'ada-user', password: 's3cret', origin: 'DUCC_A_USER' },
          proxy: undefined,
        },
        'docker.io': {
          credentials: undefined,
          proxy: { scheme: 'https', host: 'harbor.example.org', prefix: 'hub' },
        },
        'localhost:5000': {
          credentials: { user: 'u', password: 'p:q', origin: 'DUCC_b_2_USER' },
          proxy: { scheme: 'http', host: 'localhost:5001', prefix: '' },
        },
      },
      problems: [],
    });
  });

  it('need not be whole where there is a proxy, as with DUCC', () => {
    const environment = {
      DUCC_AUTH_REGISTRIES: 'A',
      DUCC_A_IDENT: 'quay.io',
      DUCC_A_USER: 'u',
      DUCC_A_PROXY: 'a.b',
    };
    const { registries, problems } = read(environment);
    assert.deepEqual([registries['quay.io']?.credentials, problems], [undefined, []]);
  });

  const hosts: readonly (readonly [ident: string, host: string])[] = [
    ['Quay.IO', 'quay.io'],
    ['https://quay.io', 'quay.io'],
    ['http://quay.io:80/', 'quay.io:80'],
    ['quay.io/lab/group', 'quay.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['registry.hub.docker.com', 'registry.hub.docker.com'],
    ['[::1]:5000', '[::1]:5000'],
  ];
  for (const [ident, host] of hosts) {
    it(`mean one host: ${ident}`, () => {
      const { registries, problems } = read({ ...LOGIN, DUCC_AUTH_REGISTRIES: 'A', DUCC_A_IDENT: ident });
      assert.deepEqual([Object.keys(registries), problems], [[host], []]);
    });
  }

  const wrong: readonly (readonly [what: string, changes: Record<string, string>, ...problems: RegExp[]])[] =
    [
      ['no host', { DUCC_A_IDENT: '' }, /^DUCC_A_IDENT is not set/],
      ['no user', { DUCC_A_USER: '' }, /^DUCC_A_USER is not set.* DUCC_A_PROXY/],
      ['no password', { DUCC_A_PASS: '' }, /^DUCC_A_PASS is not set/],
      [
        'nothing at all',
        { DUCC_A_IDENT: '', DUCC_A_USER: '', DUCC_A_PASS: '' },
        /^DUCC_A_IDENT/,
        /^DUCC_A_USER/,
      ],
      ['no valid host', { DUCC_A_IDENT: 'quay .io' }, /^DUCC_A_IDENT: "quay \.io" /],
      [
        'a password in the host',
        { DUCC_A_IDENT: 'https://u:s3cret@quay.io' },
        /^DUCC_A_IDENT: "https:\/\/\*\*\*@quay\.io" /,
      ],
      ['no valid proxy', { DUCC_A_PROXY: 'a.b/C' }, /^DUCC_A_PROXY: "a\.b\/C" /],
      ['a password in the proxy', { DUCC_A_PROXY: 'u:s3cret@a.b/c' }, /^DUCC_A_PROXY: "\*\*\*@a\.b\/c" /],
      [
        'a registry twice',
        { DUCC_AUTH_REGISTRIES: 'A,B', DUCC_B_IDENT: 'quay.io/x', DUCC_B_PROXY: 'a.b' },
        /^DUCC_B_IDENT: quay\.io .* DUCC_A_IDENT/,
      ],
      [
        'several mistakes',
        { DUCC_AUTH_REGISTRIES: 'B\u0007,A', DUCC_A_PROXY: '-' },
        /^DUCC_B\\u\{7\}_IDENT/,
        /^DUCC_B\\u\{7\}_USER/,
        /^DUCC_A_PROXY/,
      ],
    ];
  for (const [what, changes, ...expected] of wrong) {
    it(`are refused with ${what}`, () => {
      const { problems } = read({ ...LOGIN, DUCC_AUTH_REGISTRIES: 'A', ...changes });
      assert.equal(problems.length, expected.length, problems.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(problems[index] ?? '', pattern);
      assert.doesNotMatch(problems.join('\n'), /s3cret|ada-user/);
    });
  }
});
