import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HelperPrograms, answer } from '../daemon/configuration/registries/helper-program.ts';
import { privateStorage } from '../support/e2e/private-image.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';
import { describeWith, needs } from '../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../support/registry/docker-registry.ts';
import { makeBasicUser, type BasicUser } from '../support/registry/htpasswd.ts';
import { TokenServer } from '../support/registry/token-server.ts';
import { temporaryDirectory } from '../support/setup.ts';

interface Login {
  readonly user: string;
  readonly password: string;
}

/** What a user sets up to be known by a registry: further words of the command line, and the environment. */
interface SetUp {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Ways to say who one is. `folder` is for whatever files they need. */
const WAYS: Readonly<Record<string, (host: string, login: Login, folder: string) => SetUp | Promise<SetUp>>> =
  {
    'docker login': (host, login, folder) =>
      dockerConfig(folder, { auths: { [host]: { auth: base64(login) } } }),
    'podman login': (host, login, folder) => {
      mkdirSync(join(folder, 'containers'));
      writeFileSync(
        join(folder, 'containers/auth.json'),
        JSON.stringify({ auths: { [host]: { auth: base64(login) } } }),
      );
      return { words: [], environment: { XDG_RUNTIME_DIR: folder } };
    },
    'podman login for one namespace, in REGISTRY_AUTH_FILE': (host, login, folder) => {
      const file = join(folder, 'mine.json');
      const wrong = { auth: base64({ user: 'nobody', password: 'wrong-secret' }) };
      const auths = { [`${host}/lab`]: { auth: base64(login) }, [host]: wrong };
      writeFileSync(file, JSON.stringify({ auths }));
      return { words: [], environment: { REGISTRY_AUTH_FILE: file } };
    },
    'a credential helper': async (host, login, folder) => {
      const helpers = await HelperPrograms.create();
      await helpers.add('of-a-test', answer(login.user, login.password));
      const { environment } = dockerConfig(folder, { credHelpers: { [host]: 'of-a-test' } });
      return { words: [], environment: { ...environment, ...helpers.environment } };
    },
    'a credential store': async (_, login, folder) => {
      const helpers = await HelperPrograms.create();
      await helpers.add('of-a-test', answer(login.user, login.password));
      const { environment } = dockerConfig(folder, { credsStore: 'of-a-test' });
      return { words: [], environment: { ...environment, ...helpers.environment } };
    },
    'variables of DUCC': (host, { user, password }) => ({
      words: [],
      environment: {
        DUCC_AUTH_REGISTRIES: 'TEST',
        DUCC_TEST_IDENT: host,
        DUCC_TEST_USER: user,
        DUCC_TEST_PASS: password,
      },
    }),
    'the configuration, with a variable': (host, { user, password }, folder) => ({
      words: configured(folder, host, user, 'env:SECRET_OF_A_TEST'),
      environment: { SECRET_OF_A_TEST: password },
    }),
    'the configuration, with a file of systemd': (host, { user, password }, folder) => {
      const credentials = join(folder, 'credentials');
      mkdirSync(credentials);
      writeFileSync(join(credentials, 'secret'), `${password}\n`);
      return {
        words: configured(folder, host, user, 'file:secret'),
        environment: { CREDENTIALS_DIRECTORY: credentials },
      };
    },
  };

function dockerConfig(folder: string, content: object): SetUp {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(content));
  return { words: [], environment: { DOCKER_CONFIG: folder } };
}

function configured(folder: string, host: string, user: string, password: string): string[] {
  const path = join(folder, 'unpackd.yaml');
  writeFileSync(path, `registries:\n  '${host}':\n    username: ${user}\n    password: ${password}\n`);
  return ['--config', path];
}

function base64({ user, password }: Login): string {
  return Buffer.from(`${user}:${password}`).toString('base64');
}

/** All files below `folder`, as one text. */
function everything(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describeWith(['docker-registry', 'htpasswd', 'openssl'], 'e2e/credentials', () => {
  let basic: BasicUser;
  let tokens: TokenServer;
  const registries = new Map<string, DockerRegistry>();

  before(async function () {
    const storage = await privateStorage();
    basic = await makeBasicUser();
    tokens = await TokenServer.start();
    registries.set('Basic', await startDockerRegistry({ storage, auth: basic.auth }));
    registries.set('tokens', await startDockerRegistry({ storage, auth: tokens.auth }));
  });
  after(async () => {
    for (const registry of registries.values()) await registry.close();
    await tokens?.close();
  });

  function hostOf(scheme: string): string {
    const registry = registries.get(scheme);
    assert.ok(registry !== undefined);
    return registry.host;
  }

  function loginFor(scheme: string): Login {
    return scheme === 'Basic' ? basic.credentials : tokens.credentials;
  }

  async function convert(site: Site, host: string, { words, environment }: SetUp): Promise<Outcome> {
    const notification = ['--notification-file', join(site.folder, 'notification')];
    const recipe = site.recipe([`http://${host}/lab/private:1`]);
    const all = ['convert', recipe, ...site.options, '--log-level', 'debug', ...notification, ...words];
    return await run(all, { environment });
  }

  for (const scheme of ['Basic', 'tokens']) {
    for (const [way, setUp] of Object.entries(WAYS)) {
      it(`with ${scheme} and ${way}: published, and no secret is told`, async () => {
        const site = await Site.make('directory');
        const [host, login] = [hostOf(scheme), loginFor(scheme)];
        const { status, stdout, stderr } = await convert(
          site,
          host,
          await setUp(host, login, await temporaryDirectory('user')),
        );
        assert.equal(status, 0, stderr);
        assert.equal(readFileSync(site.path(`${host}/lab/private:1/etc/release`), 'utf8'), 'private\n');
        assert.match(stderr, /manifests/, 'the requests are logged');
        const told = [stdout, stderr, everything(site.folder)].join('\n');
        for (const secret of [login.password, base64(login), encodeURIComponent(login.password), 'eyJ'])
          assert.ok(!told.includes(secret), `${secret} is told`);
        assert.deepEqual(
          readdirSync(site.root).filter((name) => !name.startsWith('.')),
          [REPOSITORY],
        );
      });
    }

    it(`with ${scheme} and a wrong password: unauthorized, and where it was found`, async () => {
      const site = await Site.make('directory');
      const host = hostOf(scheme);
      const folder = await temporaryDirectory('user');
      const wrong = { ...loginFor(scheme), password: 'a-wrong-password' };
      const setUp = dockerConfig(folder, { auths: { [host]: { auth: base64(wrong) } } });
      const { status, stdout, stderr } = await convert(site, host, setUp);
      assert.equal(status, 1);
      assert.match(stderr, /^error\[unauthorized\]/m);
      assert.ok(stderr.includes(join(folder, 'config.json')), stderr);
      assert.ok(!`${stdout}${stderr}`.includes(wrong.password));
    });

    it(`with ${scheme} and nothing: unauthorized`, async () => {
      const site = await Site.make('directory');
      const { status, stderr } = await convert(site, hostOf(scheme), { words: [], environment: {} });
      assert.equal(status, 1);
      assert.match(stderr, /^error\[unauthorized\].*without credentials/m);
    });
  }

  it('with what skopeo login wrote, as podman login does', async function () {
    needs(this, 'skopeo');
    const site = await Site.make('directory');
    const host = hostOf('Basic');
    const session = await temporaryDirectory('session');
    const { user, password } = basic.credentials;
    const environment = { XDG_RUNTIME_DIR: session };
    const words = ['login', '--tls-verify=false', '--username', user, '--password', password, host];
    await promisify(execFile)('skopeo', words, { env: { ...process.env, ...environment } });
    const { status, stderr } = await convert(site, host, { words: [], environment });
    assert.equal(status, 0, stderr);
  });

  it('with an identity token that docker login left', async () => {
    const site = await Site.make('directory');
    const host = hostOf('tokens');
    const { identityToken: identitytoken, user } = tokens.identity;
    const folder = await temporaryDirectory('user');
    const auth = base64({ user, password: '' });
    const { status, stdout, stderr } = await convert(
      site,
      host,
      dockerConfig(folder, { auths: { [host]: { auth, identitytoken } } }),
    );
    assert.equal(status, 0, stderr);
    assert.ok(![stdout, stderr, everything(site.folder)].join('\n').includes(identitytoken));
  });
});
