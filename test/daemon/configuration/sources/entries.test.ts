import assert from 'node:assert/strict';
import { parseConfiguration } from '../../../../daemon/configuration/configuration-file.ts';
import { readSourceEntries } from '../../../../daemon/configuration/sources/entries.ts';
import type { SourceEntry } from '../../../../daemon/configuration/sources/kind.ts';

const FILE = '/etc/unpackd/unpackd.yaml';

function read(text: string): { sources: SourceEntry[]; problems: string[] } {
  const { entries, problems: form } = parseConfiguration(text, FILE);
  const problems = [...form];
  const [entry] = entries;
  assert.ok(entry !== undefined);
  const base = { folder: '/etc/unpackd', home: '/home/me' };
  const secretsBase = { folder: '/run/credentials', home: '/home/me' };
  return { sources: readSourceEntries(entry, { file: FILE, base, secretsBase, problems }), problems };
}

describe('daemon/configuration/sources/entries', () => {
  it('has git repositories with all their settings', () => {
    const { sources, problems } = read(`
sources:
  - git: https://git.example.org/group/list.git
    name: the list
    branch: production/v1
    path: [a.yaml, lists/b.yaml, a.yaml]
    username: robot
    password: file:token
    ca-certificates: ca.pem
    repositories: [a.example.org, b.example.org]
    registries: [docker.io, '*.Example.org', quay.io/lab]
    subdirectory: lab/tools
    allow-http: true
    limit: 20
  - git: git@git.example.org:group/other.git
    key: deploy-key
    known-hosts: ~/known_hosts
`);
    assert.deepEqual(problems, []);
    const origin = (line: number, key: string) => `${FILE}:${line}: sources: ${key}`;
    assert.deepEqual(sources, [
      {
        kind: 'git',
        name: 'the list',
        line: 3,
        address: {
          origin: origin(3, 'git'),
          value: {
            protocol: 'https',
            url: 'https://git.example.org/group/list.git',
            label: 'git.example.org/group/list',
          },
        },
        branch: 'production/v1',
        paths: ['a.yaml', 'lists/b.yaml'],
        login: {
          user: { origin: origin(7, 'username'), value: { kind: 'text', text: 'robot' } },
          password: {
            origin: origin(8, 'password'),
            value: { kind: 'file', path: '/run/credentials/token' },
          },
        },
        key: undefined,
        knownHosts: undefined,
        authorities: { origin: origin(9, 'ca-certificates'), value: '/etc/unpackd/ca.pem' },
        repositories: ['a.example.org', 'b.example.org'],
        registries: ['docker.io', '*.example.org', 'quay.io/lab'],
        subdirectory: 'lab/tools',
        allowHttp: true,
        limit: 20,
      },
      {
        kind: 'git',
        name: 'git.example.org/group/other',
        line: 15,
        address: {
          origin: origin(15, 'git'),
          value: {
            protocol: 'ssh',
            url: 'git@git.example.org:group/other.git',
            label: 'git.example.org/group/other',
          },
        },
        branch: undefined,
        paths: ['recipe.yaml'],
        login: undefined,
        key: { origin: origin(16, 'key'), value: '/etc/unpackd/deploy-key' },
        knownHosts: { origin: origin(17, 'known-hosts'), value: '/home/me/known_hosts' },
        authorities: undefined,
        repositories: undefined,
        registries: undefined,
        subdirectory: undefined,
        allowHttp: undefined,
        limit: undefined,
      },
    ]);
  });

  it('has files and addresses, with names that hold no secret', () => {
    const { sources, problems } = read(`
sources:
  - file: recipe.yaml
  - url: https://example.org/recipe.yaml?token=secret
    password: env:TOKEN
  - git: ./list.git
`);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      sources.map(({ name }) => name),
      ['/etc/unpackd/recipe.yaml', 'example.org/recipe.yaml', '/etc/unpackd/list'],
    );
  });

  it('may be empty', () => {
    for (const text of ['sources:\n', 'sources: []\n']) {
      assert.deepEqual(read(text), { sources: [], problems: [] });
    }
  });

  /** With the number of problems. */
  const bad: Readonly<Record<string, number>> = {
    'sources: x': 1,
    'sources: {git: /x}': 1,
    'sources: [x]': 1,
    'sources: [{name: x}]': 1,
    'sources: [{git: /x, url: "https://x/y"}]': 1,
    'sources: [{git: /x, brunch: main}]': 1,
    'sources: [{git: /x}, {git: /x, branch: y}]': 1,
    'sources: [{git: /x, name: ""}]': 1,
    'sources: [{git: /x, path: /etc/passwd}]': 1,
    'sources: [{git: /x, path: ../x}]': 1,
    'sources: [{git: /x, path: a/../../x}]': 1,
    'sources: [{git: /x, path: [a, b/./c]}]': 1,
    'sources: [{git: /x, branch: "-x"}]': 1,
    'sources: [{git: /x, branch: "a b"}]': 1,
    'sources: [{git: /x, branch: refs/heads/main}]': 1,
    'sources: [{git: /x, branch: "a:b"}]': 1,
    'sources: [{git: /x, key: y, known-hosts: z}]': 2,
    'sources: [{git: "https://x/y", key: y}]': 1,
    'sources: [{git: "git@x:y", username: a, password: env:B}]': 1,
    'sources: [{git: "git@x:y", key: "a\\"b"}]': 1,
    'sources: [{git: "git@x:y", key: "%h"}]': 1,
    'sources: [{git: "git@x:y", known-hosts: "${HOME}/x"}]': 1,
    'sources: [{git: "https://x/y", username: a}]': 1,
    'sources: [{git: "https://x/y", password: env:A}]': 1,
    'sources: [{git: "https://x/y", username: a, password: very-secret}]': 1,
    'sources: [{git: "https://a:very-secret@x/y"}]': 1,
    'sources: [{git: "ext::x"}]': 1,
    'sources: [{url: "https://a:very-secret@x/y"}]': 1,
    'sources: [{url: "ftp://x/y"}]': 1,
    'sources: [{url: "https://x/y", username: a}]': 1,
    'sources: [{url: "https://x/y", branch: a}]': 1,
    'sources: [{file: x, repositories: a/b}]': 1,
    'sources: [{file: x, registries: ["https://quay.io", "*", "quay.io/.."]}]': 3,
    'sources: [{file: x, subdirectory: ../y}]': 1,
    'sources: [{file: x, allow-http: quay.io}]': 1,
    'sources: [{file: x, limit: 0}]': 1,
  };
  for (const [text, count] of Object.entries(bad)) {
    it(`is wrong, without saying a secret: ${text}`, () => {
      const { problems } = read(text);
      assert.equal(problems.length, count, problems.join('\n'));
      for (const problem of problems) assert.ok(problem.startsWith(`${FILE}:1: sources: `), problem);
      assert.equal(problems.join().includes('very-secret'), false);
    });
  }
});
