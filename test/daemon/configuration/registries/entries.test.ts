import assert from 'node:assert/strict';
import { parseConfiguration } from '../../../../daemon/configuration/configuration-file.ts';
import {
  type RegistryEntry,
  readRegistryEntries,
} from '../../../../daemon/configuration/registries/entries.ts';

const WHERE = {
  file: '/etc/u.yaml',
  base: { folder: '/etc', home: '/home/ada' },
  secretsBase: { folder: '/run/credentials', home: '/home/ada' },
};
const NOTHING = {
  file: '/etc/u.yaml',
  login: undefined,
  proxy: undefined,
  mirrors: [],
  concurrency: undefined,
  allowHttp: undefined,
  authorities: undefined,
  clientCertificate: undefined,
};

function read(source: string): { entries: RegistryEntry[]; problems: string[] } {
  const content = parseConfiguration(`registries:${source}`, '/etc/u.yaml');
  const problems = [...content.problems];
  const [entry] = content.entries;
  const entries = entry === undefined ? [] : readRegistryEntries(entry, { ...WHERE, problems });
  return { entries, problems };
}

function valid(source: string): RegistryEntry[] {
  const { entries, problems } = read(source);
  assert.deepEqual(problems, []);
  return entries;
}

describe('daemon/configuration/registries/entries', () => {
  it('may be none', () => {
    assert.deepEqual(valid(''), []);
    assert.deepEqual(valid(' {}'), []);
  });

  it('may have no settings', () => {
    assert.deepEqual(valid('\n  Quay.io:\n  "[::1]:5000": {}\n  localhost:5000:\n'), [
      { ...NOTHING, line: 2, host: 'quay.io' },
      { ...NOTHING, line: 3, host: '[::1]:5000' },
      { ...NOTHING, line: 4, host: 'localhost:5000' },
    ]);
  });

  it('have all settings, with their places', () => {
    const lines = [
      '',
      '  docker.io:',
      '    username: ada',
      '    password: file:hub-password',
      '    proxy: cache.example.org/hub',
      '    mirrors:',
      '      - http://localhost:5000',
      '      - mirror.example.org/a/b',
      '    concurrency: 8',
      '    ca-certificates: ca.pem',
      '    client-certificate: ~/client.pem',
      '    client-key: /keys/client.pem',
      '    allow-http: true',
    ];
    const at = (line: number, key: string): string => `/etc/u.yaml:${line}: registries: docker.io: ${key}`;
    assert.deepEqual(valid(lines.join('\n')), [
      {
        host: 'docker.io',
        file: '/etc/u.yaml',
        line: 2,
        login: {
          user: { origin: at(3, 'username'), value: { kind: 'text', text: 'ada' } },
          password: {
            origin: at(4, 'password'),
            value: { kind: 'file', path: '/run/credentials/hub-password' },
          },
        },
        proxy: { scheme: 'https', host: 'cache.example.org', prefix: 'hub' },
        mirrors: [
          { scheme: 'http', host: 'localhost:5000', prefix: '' },
          { scheme: 'https', host: 'mirror.example.org', prefix: 'a/b' },
        ],
        concurrency: 8,
        allowHttp: true,
        authorities: { origin: at(10, 'ca-certificates'), value: '/etc/ca.pem' },
        clientCertificate: {
          certificate: { origin: at(11, 'client-certificate'), value: '/home/ada/client.pem' },
          key: { origin: at(12, 'client-key'), value: '/keys/client.pem' },
        },
      },
    ]);
  });

  const sources: readonly (readonly [user: string, password: string, expected: readonly unknown[]])[] = [
    [
      '123',
      'env:PW',
      [
        { kind: 'text', text: '123' },
        { kind: 'variable', name: 'PW' },
      ],
    ],
    [
      'env:US_1',
      'file:/p',
      [
        { kind: 'variable', name: 'US_1' },
        { kind: 'file', path: '/p' },
      ],
    ],
    [
      'file:u',
      'file:~/p',
      [
        { kind: 'file', path: '/run/credentials/u' },
        { kind: 'file', path: '/home/ada/p' },
      ],
    ],
    [
      '"robot$a+b"',
      'file:../p',
      [
        { kind: 'text', text: 'robot$a+b' },
        { kind: 'file', path: '/run/p' },
      ],
    ],
  ];
  for (const [user, password, expected] of sources) {
    it(`say where user and password are: ${user}, ${password}`, () => {
      const [entry] = valid(`\n  quay.io:\n    username: ${user}\n    password: ${password}\n`);
      assert.deepEqual([entry?.login?.user.value, entry?.login?.password.value], expected);
    });
  }

  const wrong: readonly (readonly [what: string, source: string, ...problems: RegExp[]])[] = [
    ['no mapping', ' [quay.io]', /^\/etc\/u\.yaml:1: registries: /],
    ['a text', ' quay.io', /^\/etc\/u\.yaml:1: registries: /],
    ['a URL as host', '\n  https://quay.io: {}\n', /:2: registries: "https:\/\/quay\.io" /],
    ['a path in the host', '\n  quay.io/lab:\n', /:2: registries: "quay\.io\/lab" /],
    ['a password in the host', '\n  ada:s3cret@quay.io:\n', /:2: registries: "\*\*\*@quay\.io" /],
    ['a host twice', '\n  quay.io:\n  Quay.IO:\n', /:3: registries: quay\.io .* line 2;/],
    ['a host twice, written alike', '\n  quay.io:\n  quay.io:\n', /:3: registries: quay\.io .* line 2;/],
    ['a text as settings', '\n  quay.io: ada\n', /:2: registries: quay\.io: /],
    ['an unknown key', '\n  quay.io: {pasword: s3cret}\n', /:2: .*"pasword"; did you mean password\?/],
    [
      'a key twice',
      '\n  quay.io:\n    proxy: a.b\n    proxy: a.b\n',
      /:4: registries: quay\.io: proxy .* line 3;/,
    ],
    ['an alias', '\n  quay.io: {proxy: *p}\n', /:2: registries: quay\.io: proxy: /],
    ['a user alone', '\n  quay.io: {username: ada}\n', /:2: registries: quay\.io: username: password /],
    ['a password alone', '\n  quay.io: {password: env:P}\n', /:2: registries: quay\.io: password: username /],
    [
      'a plain password',
      '\n  quay.io:\n    username: a\n    password: s3cret\n',
      /:4: registries: quay\.io: password: /,
    ],
    [
      'a plain number',
      '\n  quay.io: {username: a, password: 123456}\n',
      /:2: registries: quay\.io: password: /,
    ],
    ['a list as password', '\n  quay.io: {username: a, password: [s3cret]}\n', /:2: .*: password: /],
    ['an impossible variable', '\n  quay.io: {username: a, password: "env:s3-cret"}\n', /:2: .*: password: /],
    [
      'a file without name',
      '\n  quay.io: {username: "file:", password: env:P}\n',
      /:2: .*: username: "file:" /,
    ],
    ['an empty user', '\n  quay.io: {username: "", password: env:P}\n', /:2: .*: username: "" /],
    [
      'a proxy with a password',
      '\n  quay.io: {proxy: "https://a:s3cret@b.c/d"}\n',
      /:2: .*: proxy: "https:\/\/\*\*\*@b\.c\/d" /,
    ],
    ['mirrors that are no list', '\n  quay.io: {mirrors: {b.c: 1}}\n', /:2: .*: mirrors: /],
    [
      'a mirror that is none',
      '\n  quay.io:\n    mirrors:\n      - b.c\n      - B/C\n',
      /:5: .*: mirrors: "B\/C" /,
    ],
    ['a wrong number', '\n  quay.io: {concurrency: 65}\n', /:2: .*: concurrency: "65" .* 1 to 64$/],
    [
      'a key without certificate',
      '\n  quay.io: {client-key: k}\n',
      /:2: .*: client-key: client-certificate /,
    ],
    ['a certificate without key', '\n  quay.io: {client-certificate: c}\n', /:2: .*: client-key /],
    [
      'several at once',
      '\n  quay.io:\n    proxy:\n    x: 1\n  -bad-:\n',
      /:4: registries: quay\.io: unknown key "x"/,
      /:3: registries: quay\.io: proxy: /,
      /:5: registries: "-bad-"/,
    ],
  ];
  for (const [what, source, ...expected] of wrong) {
    it(`are refused with ${what}`, () => {
      const { problems } = read(source);
      assert.equal(problems.length, expected.length, problems.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(problems[index] ?? '', pattern);
      assert.doesNotMatch(problems.join('\n'), /s3-?cret|123456/);
    });
  }

  const passwords = [
    '*s3cret',
    '!s3cret',
    '!s3cret!x y',
    '!!s3cret^',
    '@s3cret',
    '%s3cret',
    '`s3cret',
    '{s3cret',
    '"s3cret',
    '&s3cret',
    '[s3cret: x',
    's3cret: x',
    '|s3cret',
    '? s3cret',
  ];
  for (const password of passwords) {
    it(`are refused without showing a password that YAML reads otherwise: ${password}`, () => {
      const { problems } = read(`\n  quay.io:\n    username: ada\n    password: ${password}\n`);
      assert.notEqual(problems.length, 0);
      assert.doesNotMatch(problems.join('\n'), /s3cret/);
    });
  }
});
