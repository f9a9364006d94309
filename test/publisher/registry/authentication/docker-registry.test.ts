import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { Credentials } from '../../../../publisher/registry/options.ts';
import { parseReference, type ImageReference } from '../../../../core/oci/reference.ts';
import { describeWith } from '../../../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../../../support/registry/docker-registry.ts';
import { makeBasicUser, type BasicUser } from '../../../support/registry/htpasswd.ts';
import { plainLayer } from '../../../support/registry/image.ts';
import { failureOf, quickClient } from '../../../support/registry/quick-client.ts';
import { assertReadable, storageWith } from '../../../support/registry/registry-storage.ts';
import { TokenServer } from '../../../support/registry/token-server.ts';

const LAYER = plainLayer(Buffer.from('a layer'));

describeWith(
  ['docker-registry', 'htpasswd', 'openssl'],
  'publisher/registry/authentication/docker-registry',
  () => {
    let storage: string;
    let registry: DockerRegistry;
    let client: RegistryClient | undefined;

    before(async function () {
      storage = await storageWith(LAYER, ['public/tool', 'lab/tool']);
    });

    afterEach(async () => {
      await client?.close();
      client = undefined;
    });

    /** A client that has `credentials` for the registry, and for nothing else. */
    function clientWith(credentials?: Credentials): RegistryClient {
      client = quickClient({
        credentials: async (host) => await Promise.resolve(host === registry.host ? credentials : undefined),
      });
      return client;
    }

    function referenceTo(version: string): ImageReference {
      return parseReference(`http://${registry.host}/${version}`);
    }

    /** Tags, manifest, config and layer. */
    async function readAll(from: RegistryClient, version: string): Promise<void> {
      await assertReadable(from, referenceTo(version), LAYER);
    }

    /** All kinds of requests are refused, each for itself, and say no secret. */
    async function assertRefused(
      from: RegistryClient,
      version: string,
      secrets: readonly string[],
    ): Promise<void> {
      const reference = referenceTo(version);
      const descriptor = { mediaType: 'x', digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };
      for (const ask of [
        async () => await from.fetchManifest(reference),
        async () => await from.listTags(reference),
        async () => await from.openBlob(reference, descriptor),
      ]) {
        const failure = await failureOf(ask());
        assert.equal(failure.code, 'unauthorized', failure.message);
        const said = `${failure.message} ${failure.hint} ${String(failure.cause)}`;
        assert(!secrets.some((secret) => said.includes(secret)), said);
      }
    }

    function secretsOf({ user, password }: Credentials): string[] {
      return [password, Buffer.from(`${user}:${password}`).toString('base64')];
    }

    describe('by Basic', () => {
      let user: BasicUser;

      before(async () => {
        user = await makeBasicUser();
        registry = await startDockerRegistry({ storage, auth: user.auth });
      });

      after(async () => {
        await registry.close();
      });

      it('reads with the right password', async () => {
        await readAll(clientWith(user.credentials), 'lab/tool:1');
      });

      it('is refused without credentials', async () => {
        await assertRefused(clientWith(), 'lab/tool:1', []);
      });

      for (const [what, change] of [
        ['a wrong password', { password: 'wrong-password' }],
        ['an unknown user', { user: 'nobody' }],
        ['no password', { password: '' }],
      ] as const) {
        it(`is refused with ${what}`, async () => {
          const wrong = { ...user.credentials, ...change };
          await assertRefused(clientWith(wrong), 'lab/tool:1', wrong.password === '' ? [] : secretsOf(wrong));
        });
      }
    });

    describe('by tokens', () => {
      let tokens: TokenServer;

      before(async () => {
        tokens = await TokenServer.start();
        registry = await startDockerRegistry({ storage, auth: tokens.auth });
      });

      after(async () => {
        await registry.close();
        await tokens.close();
      });

      beforeEach(() => {
        tokens.requests.length = 0;
        tokens.lifetimeS = 300;
      });

      it('reads what is public without credentials, all with one token', async () => {
        await readAll(clientWith(), 'public/tool:1');
        const [request] = tokens.requests;
        assert.equal(tokens.requests.length, 1);
        assert.equal(request?.authorization, undefined);
        assert.equal(request?.parameters.get('service'), tokens.auth.token.service);
        assert.deepEqual(request.parameters.getAll('scope'), ['repository:public/tool:pull']);
      });

      it('is refused what is private without credentials', async () => {
        await assertRefused(clientWith(), 'lab/tool:1', []);
      });

      it('reads what is private with credentials, all with one token', async () => {
        await readAll(clientWith(tokens.credentials), 'lab/tool:1');
        assert.equal(tokens.requests.length, 1);
      });

      it('gets a token for each repository', async () => {
        const client = clientWith(tokens.credentials);
        await readAll(client, 'lab/tool:1');
        await readAll(client, 'public/tool:1');
        assert.deepEqual(
          tokens.requests.map(({ parameters }) => parameters.get('scope')),
          ['repository:lab/tool:pull', 'repository:public/tool:pull'],
        );
      });

      for (const version of ['lab/tool:1', 'public/tool:1']) {
        it(`is refused ${version} with a wrong password, and does not ask as anybody`, async () => {
          const wrong = { ...tokens.credentials, password: 'wrong-password' };
          await assertRefused(clientWith(wrong), version, secretsOf(wrong));
          const basic = `Basic ${Buffer.from(`${wrong.user}:${wrong.password}`).toString('base64')}`;
          assert(tokens.requests.length > 0);
          for (const { authorization } of tokens.requests) assert.equal(authorization, basic);
        });
      }

      it('gets another token for one that has expired', async () => {
        tokens.lifetimeS = -120;
        const client = clientWith(tokens.credentials);
        const reference = referenceTo('lab/tool:1');
        assert.equal((await failureOf(client.fetchManifest(reference))).code, 'unauthorized');
        assert.equal(tokens.requests.length, 1);
        tokens.lifetimeS = 300;
        await readAll(client, 'lab/tool:1');
        assert.equal(tokens.requests.length, 2);
      });
    });
  },
);
