import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfiguration } from '../../../../daemon/configuration/configuration.ts';
import { openRegistries, type Registries } from '../../../../daemon/configuration/registries/registries.ts';
import { isFailure } from '../../../../core/failure.ts';
import { needs } from '../../../support/programs.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { makePair } from './certificate-pair.ts';
import { answer, HelperPrograms } from './helper-program.ts';

interface Given {
  /** Below the key `registries`, each line indented by two spaces. */
  readonly registries?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly docker?: unknown;
  readonly files?: Readonly<Record<string, string>>;
}

const AUTH = { auth: Buffer.from('docker-user:docker-s3cret').toString('base64') };
const DUCC = {
  DUCC_AUTH_REGISTRIES: 'A',
  DUCC_A_IDENT: 'quay.io',
  DUCC_A_USER: 'ducc-user',
  DUCC_A_PASS: 'ducc-s3cret',
  DUCC_A_PROXY: 'ducc.example.org/quay',
};

let folder: string;

beforeEach(async () => {
  folder = await temporaryDirectory('registries');
});

async function open({ registries = '', environment = {}, docker, files = {} }: Given): Promise<Registries> {
  const config = join(folder, 'unpackd.yaml');
  await writeFile(config, `registries:\n${registries}`);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const flags: Record<string, string> = { config };
  if (docker !== undefined) {
    flags['docker-config'] = join(folder, 'docker.json');
    await writeFile(flags['docker-config'], JSON.stringify(docker));
  }
  const machine = { home: folder, superuser: false, workingDirectory: folder, configurationFile: config };
  const configuration = loadConfiguration({ flags, environment, machine });
  return await openRegistries({ configuration, environment });
}

function login(user: string, password: string): string {
  return `    username: ${user}\n    password: ${password}\n`;
}

describe('daemon/configuration/registries/registries: credentials of registries', () => {
  it('are none where nothing says anything', async () => {
    const { credentials, routes, servers } = await open({});
    assert.equal(await credentials('quay.io', 'lab/tool'), undefined);
    assert.deepEqual(routes('quay.io'), { proxy: undefined, mirrors: [] });
    assert.deepEqual(servers('quay.io'), {
      concurrency: undefined,
      allowHttp: undefined,
      authorities: undefined,
      clientCertificate: undefined,
    });
  });

  const everywhere = {
    environment: { ...DUCC, P: 'own-s3cret' },
    docker: { auths: { 'quay.io': AUTH, 'ghcr.io': AUTH } },
  };
  const precedence: readonly (readonly [what: string, given: Given, user: string, origin: string])[] = [
    [
      'the configuration file first',
      { ...everywhere, registries: `  quay.io:\n${login('own-user', 'env:P')}` },
      'own-user',
      'unpackd.yaml',
    ],
    [
      "DUCC's variables next",
      { ...everywhere, registries: '  quay.io: {concurrency: 2}\n' },
      'ducc-user',
      'DUCC_A_USER',
    ],
    ["Docker's configuration last", { docker: everywhere.docker }, 'docker-user', 'docker.json'],
  ];
  for (const [what, given, user, origin] of precedence) {
    it(`come from ${what}`, async () => {
      const { credentials } = await open(given);
      const found = await credentials('quay.io', 'lab/tool');
      assert.deepEqual(
        [found?.user, found?.origin],
        [user, origin.includes('.') ? join(folder, origin) : origin],
      );
      assert.equal(
        (await credentials('ghcr.io', 'lab/tool'))?.user,
        given.docker === undefined ? undefined : 'docker-user',
      );
    });
  }

  it('come from the first file that knows a registry or the part of it', async () => {
    const logins = (user: string, ...keys: string[]): string =>
      JSON.stringify({
        auths: Object.fromEntries(keys.map((key) => [key, { username: user, password: 'p' }])),
      });
    for (const name of ['run/containers', '.config/containers', '.docker'])
      await mkdir(join(folder, name), { recursive: true });
    const { credentials } = await open({
      environment: { XDG_RUNTIME_DIR: join(folder, 'run') },
      files: {
        'run/containers/auth.json': logins('session', 'quay.io/lab'),
        '.config/containers/auth.json': logins('user', 'quay.io/other', 'ghcr.io'),
        '.docker/config.json': logins('docker', 'quay.io', 'ghcr.io', 'quay.io/lab/tool', 'docker.io'),
      },
    });
    const cases: readonly (readonly [host: string, repository: string, user: string | undefined])[] = [
      ['quay.io', 'lab/tool', 'session'],
      ['quay.io', 'other/tool', 'user'],
      ['quay.io', 'tool', 'docker'],
      ['ghcr.io', 'x', 'user'],
      ['registry-1.docker.io', 'library/x', 'docker'],
      ['gcr.io', 'x', undefined],
    ];
    for (const [host, repository, user] of cases) {
      assert.equal((await credentials(host, repository))?.user, user, `${host}/${repository}`);
    }
  });

  it('are those of the exact host', async () => {
    const { credentials } = await open({
      registries: `  quay.io:\n${login('a', 'env:P')}  docker.io:\n${login('b', 'env:P')}`,
      environment: { P: 'own-s3cret' },
    });
    for (const host of ['quay.io:443', 'x.quay.io', 'quay.io.example.org', 'io', 'registry-1.docker.io', ''])
      assert.equal(await credentials(host, 'lab/tool'), undefined, host);
  });

  it('are the same for all names of Docker Hub, where another program keeps them', async () => {
    const { credentials } = await open({ docker: { auths: { 'https://index.docker.io/v1/': AUTH } } });
    for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io'])
      assert.equal((await credentials(host, 'lab/tool'))?.user, 'docker-user', host);
  });

  const sources: readonly (readonly [what: string, source: string, given: Given, password: string])[] = [
    ['a variable, as it is', 'env:P', { environment: { P: ' s3cret ' } }, ' s3cret '],
    ['a file in the folder of the configuration file', 'file:pw', { files: { pw: 's3cret\n' } }, 's3cret'],
    ['a file with Windows line ends', 'file:pw', { files: { pw: 's3cret\r\n' } }, 's3cret'],
    ['a file in the home directory', 'file:~/pw', { files: { pw: ' ünï ' } }, ' ünï '],
  ];
  for (const [what, source, given, password] of sources) {
    it(`are read from ${what}`, async () => {
      const { credentials } = await open({ ...given, registries: `  quay.io:\n${login('ada', source)}` });
      assert.equal((await credentials('quay.io', 'lab/tool'))?.password, password);
    });
  }

  it("are read from systemd's credentials directory where there is one", async () => {
    const credentialsFolder = await temporaryDirectory('systemd');
    await writeFile(join(credentialsFolder, 'pw'), 'systemd-s3cret');
    await writeFile(join(credentialsFolder, 'user'), 'systemd-user\n');
    const { credentials } = await open({
      registries: `  quay.io:\n${login('file:user', 'file:pw')}`,
      environment: { CREDENTIALS_DIRECTORY: credentialsFolder },
      files: { pw: 'other-s3cret' },
    });
    const { user, password } = (await credentials('quay.io', 'lab/tool')) ?? {};
    assert.deepEqual([user, password], ['systemd-user', 'systemd-s3cret']);
  });
});

describe('daemon/configuration/registries/registries: credential helpers', () => {
  let programs: HelperPrograms;

  beforeEach(async () => {
    programs = await HelperPrograms.create();
    await programs.add(
      'log',
      // One write for each line: several may be asked at the same time.
      `printf '%s\\n' "$(cat)" >>"$FOLDER/asked"; ${answer('helper-user', 'helper-s3cret')}`,
    );
    await programs.add('none', "echo 'credentials not found in native keychain'; exit 1");
  });

  async function asked(): Promise<string[]> {
    return (await readFile(programs.path('asked'), 'utf8')).trim().split('\n');
  }

  it('are asked when credentials are wanted, once, with several names of one registry too', async () => {
    const { credentials } = await open({ docker: { credsStore: 'log' }, environment: programs.environment });
    await assert.rejects(asked());
    const hosts = ['quay.io', 'quay.io', 'docker.io', 'index.docker.io'];
    const found = await Promise.all(hosts.map(async (host) => await credentials(host, 'lab/tool')));
    assert.deepEqual(
      found.map((login) => [login?.user, login?.origin]),
      hosts.map(() => ['helper-user', 'docker-credential-log']),
    );
    await credentials('quay.io', 'lab/tool');
    assert.deepEqual((await asked()).sort(), ['https://index.docker.io/v1/', 'quay.io']);
  });

  it('are not asked where something else says more', async () => {
    const environment = { ...programs.environment, ...DUCC };
    const { credentials } = await open({ docker: { credsStore: 'log' }, environment });
    assert.equal((await credentials('quay.io', 'lab/tool'))?.user, 'ducc-user');
    await assert.rejects(asked());
  });

  it('leave it to the file where they know nothing', async () => {
    const docker = { auths: { 'quay.io': AUTH }, credsStore: 'none' };
    const { credentials } = await open({ docker, environment: programs.environment });
    assert.equal((await credentials('quay.io', 'lab/tool'))?.user, 'docker-user');
    assert.equal(await credentials('ghcr.io', 'lab/tool'), undefined);
  });

  it('never make anonymous what they fail for', async () => {
    const docker = { auths: { 'quay.io': AUTH }, credHelpers: { 'quay.io': 'missing' } };
    const { credentials } = await open({ docker, environment: programs.environment });
    assert.equal((await failureOf(credentials('quay.io', 'lab/tool'))).code, 'credentials-unavailable');
    assert.equal(await credentials('ghcr.io', 'lab/tool'), undefined);
  });
});

describe('daemon/configuration/registries/registries: routes of registries', () => {
  it("come from the configuration file, then from DUCC's variables", async () => {
    const ducc = { scheme: 'https', host: 'ducc.example.org', prefix: 'quay' };
    const own = { scheme: 'http', host: 'own.example.org', prefix: '' };
    const mirror = { scheme: 'https', host: 'mirror.example.org', prefix: 'm' };
    const cases: readonly (readonly [registries: string, route: unknown])[] = [
      ['', { proxy: ducc, mirrors: [] }],
      ['  quay.io: {proxy: "http://own.example.org"}\n', { proxy: own, mirrors: [] }],
      ['  quay.io: {mirrors: [mirror.example.org/m]}\n', { proxy: ducc, mirrors: [mirror] }],
    ];
    for (const [registries, route] of cases) {
      const { routes } = await open({ registries, environment: DUCC });
      assert.deepEqual(routes('quay.io'), route);
      assert.deepEqual(routes('ducc.example.org'), { proxy: undefined, mirrors: [] });
    }
  });
});

describe('daemon/configuration/registries/registries: settings of servers', () => {
  it('have the number of requests at once', async () => {
    const { servers } = await open({ registries: '  quay.io: {concurrency: 3}\n' });
    assert.equal(servers('quay.io').concurrency, 3);
    assert.equal(servers('ghcr.io').concurrency, undefined);
  });
});

describe('daemon/configuration/registries/registries: certificates of servers', () => {
  it('are the authorities for all, those of the host, and its client certificate', async function () {
    needs(this, 'openssl');
    for (const name of ['all', 'own']) await makePair(folder, name);
    const files = '    ca-certificates: own.pem\n    client-certificate: own.pem\n    client-key: own.key\n';
    const { servers } = await open({
      registries: `  quay.io:\n${files}`,
      environment: { UNPACKD_CA_CERTIFICATES: join(folder, 'all.pem') },
    });
    const [all, own] = await Promise.all(
      ['all.pem', 'own.pem'].map(async (name) => await readFile(join(folder, name), 'utf8')),
    );
    assert.deepEqual(servers('ghcr.io'), {
      allowHttp: undefined,
      concurrency: undefined,
      authorities: all,
      clientCertificate: undefined,
    });
    const { authorities, clientCertificate } = servers('quay.io');
    assert.equal(authorities, `${all}${own}`);
    assert.equal(clientCertificate?.certificate, own);
    assert.match(clientCertificate?.key ?? '', /^-----BEGIN PRIVATE KEY-----\n/);
  });
});

describe('daemon/configuration/registries/registries: what the configuration names for registries', () => {
  const at = (key: string): string =>
    `unpackd.yaml:${key === 'username' ? 3 : 4}: registries: quay.io: ${key}: `;
  const wrong: readonly (readonly [what: string, given: Given, ...problems: string[]])[] = [
    [
      'a variable that is not set',
      { registries: login('ada', 'env:MISSING') },
      `${at('password')}the environment variable MISSING`,
    ],
    [
      'a variable that is empty',
      { registries: login('env:EMPTY', 'env:P'), environment: { EMPTY: '' } },
      `${at('username')}the environment variable EMPTY`,
    ],
    ['a file that is missing', { registries: login('ada', 'file:none') }, `${at('password')}the file "`],
    [
      'a file that is a directory',
      { registries: login('ada', 'file:/') },
      `${at('password')}the file "/" cannot be read (EISDIR)`,
    ],
    [
      'a file that is empty',
      { registries: login('ada', 'file:pw'), files: { pw: '\n' } },
      `${at('password')}the file "`,
    ],
    [
      'a file without end',
      { registries: login('ada', 'file:/dev/zero') },
      `${at('password')}the file "/dev/zero"`,
    ],
    [
      'a file of several lines',
      { registries: login('ada', 'file:pw'), files: { pw: 's3cret\nx\n' } },
      at('password'),
    ],
    [
      'a user with a colon',
      { registries: login('env:U', 'env:P'), environment: { U: 'a:b' } },
      at('username'),
    ],
    ['user and password', { registries: login('env:A', 'env:B') }, at('username'), at('password')],
    [
      'several sources',
      {
        registries: `${login('env:A', 'env:P')}    ca-certificates: none.pem\n`,
        environment: { DUCC_AUTH_REGISTRIES: 'X', UNPACKD_CA_CERTIFICATES: '/nonexistent/ca.pem' },
        docker: { auths: { 'a.b': { auth: 's3cret' } } },
      },
      at('username'),
      'quay.io: ca-certificates: the file "',
      'DUCC_X_IDENT',
      'DUCC_X_USER',
      'docker.json',
      '"/nonexistent/ca.pem" does not exist',
    ],
  ];
  for (const [what, given, ...expected] of wrong) {
    it(`is refused at once: ${what}`, async () => {
      const environment = { P: 'own-s3cret', ...given.environment };
      const failure = await failureOf(
        open({ ...given, environment, registries: `  quay.io:\n${given.registries}` }),
      );
      assert.ok(isFailure(failure, 'configuration-invalid'));
      const count =
        expected.length === 1 ? /^(?!\d+ problems)/ : new RegExp(`^${expected.length} problems: `);
      assert.match(failure.message, count);
      for (const part of expected) assert.ok(failure.message.includes(part), failure.message);
      assert.doesNotMatch(`${failure.message} ${failure.hint}`, /s3cret/);
    });
  }

  it('is refused where the file with a password is no text', async () => {
    await writeFile(join(folder, 'pw'), Buffer.from([0xff, 0xfe]));
    const failure = await failureOf(open({ registries: `  quay.io:\n${login('ada', 'file:pw')}` }));
    assert.equal(failure.code, 'configuration-invalid');
  });
});
