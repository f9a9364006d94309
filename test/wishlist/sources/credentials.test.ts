import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitHttpServer } from '../../support/git/http-server.ts';
import { SshServer } from '../../support/git/ssh-server.ts';
import { recipeText, Upstream } from '../../support/git/upstream.ts';
import { describeWith, needs } from '../../support/programs.ts';
import { CertificateAuthority } from '../../support/registry/certificates.ts';
import { gitAt, Reader, summary, timeOf } from './reading.ts';

const [OLD, NEW] = ['docker.io/library/old:1', 'docker.io/library/new:2'];
/** With what shells, configurations and addresses may trip over. */
const LOGIN = { user: 'robot$name', password: `pass w'ord"$(x)%40\\n:é@` };

describeWith(['git'], 'wishlist/sources/credentials: a git source by HTTP with credentials', () => {
  let upstream: Upstream;
  let server: GitHttpServer;
  let reader: Reader;

  beforeEach(async function () {
    upstream = await Upstream.create();
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    server = await GitHttpServer.start(upstream.root, { login: LOGIN });
    reader = await Reader.create();
  });

  afterEach(async () => {
    await server.close();
  });

  it('is read with them, and they are in no file', async () => {
    const settings = gitAt(`${server.url}/${upstream.name}`, { login: LOGIN });
    assert.deepEqual(summary(await reader.read(settings)).images, [OLD]);
    for (const secret of [LOGIN.password, encodeURIComponent(LOGIN.password)]) {
      assert.equal(reader.everything.includes(secret), false);
    }
  });

  const refused = {
    'without any': undefined,
    'with a wrong password': { user: LOGIN.user, password: 'another-password' },
  };
  for (const [what, login] of Object.entries(refused)) {
    it(`is unauthorized ${what}, keeps its last content, and says no secret`, async () => {
      const url = `${server.url}/${upstream.name}`;
      await reader.read(gitAt(url, { login: LOGIN }));
      const state = await reader.read(gitAt(url, { login }));
      assert.deepEqual(summary(state), {
        images: [OLD],
        code: 'source-unauthorized',
        failingSince: timeOf(2),
      });
      const said = `${state.failure?.message} ${state.failure?.hint}`;
      assert.equal(said.includes('another-password'), false);
    });
  }

  it('sends them to no other server that a redirection leads to', async () => {
    const other = await GitHttpServer.start(upstream.root, { login: LOGIN });
    const redirecting = await GitHttpServer.start(upstream.root, {
      intercept: (request, response) => {
        response.writeHead(302, { location: `${other.url}${request.url}` }).end();
        return true;
      },
    });
    try {
      const settings = gitAt(`${redirecting.url}/${upstream.name}`, { login: LOGIN });
      assert.equal(summary(await reader.read(settings)).code, 'source-unauthorized');
      assert.ok(other.authorizations.length > 0);
      assert.deepEqual([...new Set(other.authorizations)], [undefined]);
    } finally {
      await redirecting.close();
      await other.close();
    }
  });
});

describe('wishlist/sources/credentials: a git source by HTTPS', () => {
  it('is read where its authority is known, and not trusted otherwise', async function () {
    needs(this, 'git', 'openssl');
    const upstream = await Upstream.create();
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    const authority = await CertificateAuthority.create();
    const tls = await authority.issue({ purpose: 'server' });
    const server = await GitHttpServer.start(upstream.root, { tls });
    try {
      const reader = await Reader.create();
      const url = `${server.url}/${upstream.name}`;
      assert.equal(summary(await reader.read(gitAt(url))).code, 'source-untrusted');
      const settings = gitAt(url, { authorities: authority.certificateFile });
      assert.deepEqual(summary(await reader.read(settings)).images, [OLD]);
    } finally {
      await server.close();
    }
  });
});

describeWith(
  ['git', 'ssh', 'ssh-keygen', 'sshd'],
  'wishlist/sources/credentials: a git source by SSH',
  () => {
    let server: SshServer;
    let upstream: Upstream;
    let reader: Reader;

    beforeEach(async function () {
      server = await SshServer.start();
      upstream = await Upstream.create();
      await upstream.push({ 'recipe.yaml': recipeText(OLD) });
      reader = await Reader.create();
    });

    afterEach(async () => {
      await server.close();
    });

    const source = (settings: Parameters<typeof gitAt>[1] = {}) =>
      gitAt(server.urlOf(upstream.path), {
        key: server.key,
        knownHosts: server.knownHosts,
        ...settings,
      });

    it('follows pushes, forced ones too', async () => {
      assert.deepEqual(summary(await reader.read(source())).images, [OLD]);
      await upstream.push({ 'recipe.yaml': recipeText(OLD, NEW) });
      assert.deepEqual(summary(await reader.read(source())).images, [OLD, NEW]);
      await upstream.forcePush({ 'recipe.yaml': recipeText(NEW) });
      assert.deepEqual(summary(await reader.read(source())).images, [NEW]);
    });

    it('keeps its last content while the server is down', async () => {
      await reader.read(source());
      await server.close();
      const failing = { images: [OLD], code: 'source-unreachable', failingSince: timeOf(2) };
      assert.deepEqual(summary(await reader.read(source())), failing);
      await upstream.push({ 'recipe.yaml': recipeText(NEW) });
      await server.open();
      assert.deepEqual(summary(await reader.read(source())).images, [NEW]);
    });

    it('keeps its last content when its branch is deleted', async () => {
      await reader.read(source({ branch: 'main' }));
      await upstream.deleteBranch('main');
      const failing = { images: [OLD], code: 'source-invalid', failingSince: timeOf(2) };
      assert.deepEqual(summary(await reader.read(source({ branch: 'main' }))), failing);
    });

    it('is invalid where there is no such repository', async () => {
      const nowhere = gitAt(server.urlOf('/nonexistent.git'), {
        key: server.key,
        knownHosts: server.knownHosts,
      });
      assert.equal(summary(await reader.read(nowhere)).code, 'source-invalid');
    });

    it('is unauthorized with a key that the server does not know', async () => {
      const other = await SshServer.start();
      await other.close();
      assert.equal(summary(await reader.read(source({ key: other.key }))).code, 'source-unauthorized');
    });

    it('is not trusted where the server has another key than known-hosts says', async () => {
      const other = await SshServer.start();
      await other.close();
      const text = (await readFile(other.knownHosts, 'utf8')).replace(/\]:\d+/, `]:${server.port}`);
      const file = join(other.knownHosts, '../wrong');
      await writeFile(file, text);
      const state = await reader.read(source({ knownHosts: file }));
      assert.equal(summary(state).code, 'source-untrusted');
    });

    it('believes a server at first sight without known-hosts, and never again another', async () => {
      const believing = source({ knownHosts: undefined });
      assert.deepEqual(summary(await reader.read(believing)).images, [OLD]);
      await server.close();
      await server.changeHostKey();
      await server.open();
      const failing = { images: [OLD], code: 'source-untrusted', failingSince: timeOf(2) };
      assert.deepEqual(summary(await reader.read(believing)), failing);
      // Also where the clone is lost.
      await rm(reader.clone, { recursive: true });
      assert.deepEqual(summary(await reader.read(believing)), failing);
    });
  },
);
