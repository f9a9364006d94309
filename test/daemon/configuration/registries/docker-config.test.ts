import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDockerConfig } from '../../../../daemon/configuration/registries/docker-config.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

async function read(content: unknown) {
  const file = join(await temporaryDirectory('docker'), 'config.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  const problems: string[] = [];
  return { file, problems, config: await readDockerConfig(file, problems) };
}

function auth(pair: string): string {
  return Buffer.from(pair).toString('base64');
}

describe('daemon/configuration/registries/docker-config', () => {
  const logins: readonly (readonly [what: string, entry: unknown, expected: unknown])[] = [
    ['auth', { auth: auth('ada:s3cret') }, { user: 'ada', password: 's3cret' }],
    ['a colon in the password', { auth: auth('ada:s3:cret:') }, { user: 'ada', password: 's3:cret:' }],
    ['a password that NUL pads', { auth: auth('ada:s3cret\0\0') }, { user: 'ada', password: 's3cret' }],
    ['other letters', { auth: auth('äda:s3crét✓') }, { user: 'äda', password: 's3crét✓' }],
    ['user and password', { username: 'ada', password: 's3cret' }, { user: 'ada', password: 's3cret' }],
    [
      'auth before user and password',
      { auth: auth('ada:s3cret'), username: 'x', password: 'y' },
      { user: 'ada', password: 's3cret' },
    ],
    [
      'an identity token',
      { auth: auth('0000:'), identitytoken: 't0ken' },
      { user: '0000', password: '', identityToken: 't0ken' },
    ],
    [
      'an identity token alone',
      { identitytoken: 't0ken', auth: '' },
      { user: '<token>', password: '', identityToken: 't0ken' },
    ],
    ['nothing', {}, undefined],
    ['null', null, undefined],
    ['an e-mail address', { email: 'ada@example.org' }, undefined],
    ['a user alone', { username: 'ada' }, undefined],
    ['nulls', { auth: null, identitytoken: null, username: null, password: null }, undefined],
  ];
  for (const [what, entry, expected] of logins) {
    it(`has a login: ${what}`, async () => {
      const { file, config, problems } = await read({ auths: { 'quay.io': entry } });
      assert.deepEqual(problems, []);
      const login = expected === undefined ? undefined : { ...expected, origin: file };
      assert.deepEqual(config.loginFor('quay.io', 'lab/tool'), login);
    });
  }

  const keys: readonly (readonly [key: string, host: string | undefined])[] = [
    ['quay.io', 'quay.io'],
    ['Quay.IO', 'quay.io'],
    ['https://quay.io', 'quay.io'],
    ['http://localhost:5000/', 'localhost:5000'],
    ['quay.io/v1', 'quay.io'],
    ['https://quay.io/v2/', 'quay.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['quay.io/lab', undefined],
    ['quay.io/v1/lab', undefined],
    ['https://index.docker.io/v1/access-token', undefined],
    ['u:p@quay.io', undefined],
    ['', undefined],
    ['quay.io ', undefined],
  ];
  for (const [key, host] of keys) {
    it(`means ${host ?? 'no registry'} by ${JSON.stringify(key)}`, async () => {
      const { config, problems } = await read({
        auths: { [key]: { auth: auth('ada:s3cret') } },
        credHelpers: { [key]: 'x' },
      });
      assert.deepEqual(problems, []);
      for (const asked of ['quay.io', 'docker.io', 'localhost:5000']) {
        assert.equal(config.loginFor(asked, 'other/tool')?.user, asked === host ? 'ada' : undefined);
        assert.equal(config.helperFor(asked)?.name, asked === host ? 'x' : undefined);
      }
    });
  }

  const namespaces: readonly (readonly [host: string, repository: string, user: string | undefined])[] = [
    ['quay.io', 'lab/deep/tool', 'tool'],
    ['quay.io', 'lab/deep/tools', 'deep'],
    ['quay.io', 'lab/tool', 'lab'],
    ['quay.io', 'lab', 'lab'],
    ['quay.io', 'labs/tool', 'all'],
    ['quay.io', 'v1/x', 'v1'],
    ['docker.io', 'library/x', 'hub'],
    ['docker.io', 'other/x', undefined],
    ['quay.io:443', 'lab/tool', undefined],
    ['lab', 'tool', undefined],
  ];
  for (const [host, repository, user] of namespaces) {
    it(`has ${user ?? 'no login'} for ${host}/${repository}, by the longest key`, async () => {
      const login = (name: string): unknown => ({ auth: auth(`${name}:s3cret`) });
      const { config } = await read({
        auths: {
          'quay.io': login('all'),
          'quay.io/lab/deep/tool': login('tool'),
          'quay.io/lab': login('lab'),
          'quay.io/lab/deep': login('deep'),
          'quay.io/v1/x': login('v1'),
          'index.docker.io/library': login('hub'),
          'https://docker.io/other': login('no namespace'),
          'quay.io/Labs': login('no path'),
        },
      });
      assert.equal(config.loginFor(host, repository)?.user, user);
    });
  }

  it('prefers keys as Docker writes them, and entries that are not empty', async () => {
    const entry = (user: string): unknown => ({ username: user, password: 'p' });
    const { config } = await read({
      auths: {
        'docker.io': entry('b'),
        'https://index.docker.io/v1/': entry('a'),
        'https://quay.io': entry('c'),
        'quay.io': {},
      },
      credHelpers: { 'docker.io': 'b', 'https://index.docker.io/v1/': 'a' },
    });
    assert.equal(config.loginFor('docker.io', 'library/x')?.user, 'a');
    assert.equal(config.loginFor('quay.io', 'lab/tool')?.user, 'c');
    assert.equal(config.helperFor('docker.io')?.name, 'a');
  });

  it('tells what to ask a helper for', async () => {
    const { config } = await read({
      credsStore: 'store',
      credHelpers: { 'docker.io': 'hub', 'https://quay.io': 'a.b_c-1', 'ghcr.io': '' },
    });
    const asked = (host: string): unknown => {
      const call = config.helperFor(host);
      return call === undefined ? undefined : [call.name, call.host, call.server];
    };
    assert.deepEqual(asked('docker.io'), ['hub', 'docker.io', 'https://index.docker.io/v1/']);
    assert.deepEqual(asked('quay.io'), ['a.b_c-1', 'quay.io', 'https://quay.io']);
    assert.deepEqual(asked('localhost:5000'), ['store', 'localhost:5000', 'localhost:5000']);
    assert.equal(asked('ghcr.io'), undefined);
  });

  it('asks the store for Docker Hub by the address that Docker uses', async () => {
    const { config } = await read({ credsStore: 'store' });
    assert.equal(config.helperFor('docker.io')?.server, 'https://index.docker.io/v1/');
  });

  const wrong: readonly (readonly [what: string, content: unknown, ...problems: RegExp[]])[] = [
    ['no JSON', '{"auths": {"quay.io": {"auth": s3cret}}}', /is not valid JSON/],
    ['nothing', '', /is not valid JSON/],
    ['a list', '["s3cret"]', /expected object/],
    ['auths of another type', { auths: ['s3cret'] }, /"auths": /],
    ['a login of another type', { auths: { 'quay.io': 's3cret' } }, /"auths: quay\.io": /],
    ['auth of another type', { auths: { 'quay.io': { auth: 12345 } } }, /"auths: quay\.io: auth": /],
    ['a password in a key', { auths: { 'https://u:s3cret@quay.io': 1 } }, /\*\*\*@quay\.io/],
    ['auth that is no base64', { auths: { 'quay.io': { auth: 's3cret!' } } }, /auths: quay\.io: /],
    ['auth without colon', { auths: { 'quay.io': { auth: auth('s3cret') } } }, /auths: quay\.io: /],
    ['auth without user', { auths: { 'quay.io': { auth: auth(':s3cret') } } }, /auths: quay\.io: /],
    ['a path as helper', { credHelpers: { 'quay.io': '../x' } }, /credHelpers: quay\.io: /],
    ['words as store', { credsStore: 'x; rm' }, /credsStore: /],
    [
      'several mistakes',
      { auths: { 'a.b': { auth: '?' } }, credHelpers: { 'c.d': '/' }, credsStore: '\0' },
      /auths: a\.b/,
      /credHelpers: c\.d/,
      /credsStore/,
    ],
  ];
  for (const [what, content, ...expected] of wrong) {
    it(`is refused with ${what}`, async () => {
      const { file, problems } = await read(content);
      assert.equal(problems.length, expected.length, problems.join('\n'));
      for (const [index, pattern] of expected.entries()) {
        assert.ok(problems[index]?.includes(file));
        assert.match(problems[index] ?? '', pattern);
      }
      assert.doesNotMatch(problems.join('\n'), /s3cret|12345/);
      assert.ok(!problems.join('\n').includes(auth('s3cret').slice(0, 6)));
    });
  }

  const unreadable: readonly (readonly [what: string, path: (folder: string) => string, reason: RegExp])[] = [
    ['is missing', (folder) => join(folder, 'none.json'), /does not exist/],
    ['lies below a file', () => '/dev/null/config.json', /does not exist/],
    ['is a directory', (folder) => folder, /EISDIR/],
    ['has no end', () => '/dev/zero', /more than \d+ bytes/],
  ];
  for (const [what, path, reason] of unreadable) {
    it(`is refused where it ${what}`, async () => {
      const file = path(await temporaryDirectory('docker'));
      const problems: string[] = [];
      await readDockerConfig(file, problems);
      assert.equal(problems.length, 1);
      assert.ok(problems[0]?.includes(file));
      assert.match(problems[0] ?? '', reason);
    });
  }
});
