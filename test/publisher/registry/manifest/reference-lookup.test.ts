import { strict as assert } from 'node:assert';
import { rm } from 'node:fs/promises';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import { ManifestFiles } from '../../../../publisher/registry/manifest/manifest-cache.ts';
import type { Manifest } from '../../../../core/oci/manifest.ts';
import { LINUX_AMD64 } from '../../../../core/oci/platform.ts';
import type { FailureCode } from '../../../../core/failure.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { instead, status, type Fault } from '../../../support/registry/faults.ts';
import {
  OCI_INDEX_TYPE,
  buildImage,
  buildIndex,
  indexEntry,
  plainLayer,
  type TestImage,
} from '../../../support/registry/image.ts';
import { failureOf, quickClient } from '../../../support/registry/quick-client.ts';
import { TokenService } from '../../../support/registry/token-service.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const AMD64 = buildImage({ layers: [plainLayer(Buffer.from('amd64'))] });
const ARM64 = buildImage({ layers: [plainLayer(Buffer.from('arm64'))], config: { architecture: 'arm64' } });
const NEWER = buildImage({ layers: [plainLayer(Buffer.from('newer'))] });
const INDEX = buildIndex([
  indexEntry(AMD64.manifest, 'linux/amd64'),
  indexEntry(ARM64.manifest, 'linux/arm64'),
]);
const LINUX_ARM64 = { os: 'linux', architecture: 'arm64' };
const WRONG_DIGEST = `sha256:${'0'.repeat(64)}`;

const HEAD = 'HEAD /v2/lab/tool/manifests/1';
const GET = 'GET /v2/lab/tool/manifests/1';
const NO_DIGEST = { 'docker-content-digest': undefined };

describe('publisher/registry/manifest/reference-lookup', () => {
  let server: FaultServer;
  let directory: string;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    for (const image of [AMD64, ARM64, NEWER]) server.addImage('lab/tool', image.manifestDigest, image);
    directory = await temporaryDirectory('manifests');
    client = newClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  function newClient(): RegistryClient {
    return quickClient({ manifestCache: new ManifestFiles(directory) });
  }

  /** Another run: what the client itself knew of servers is forgotten. */
  async function restart(): Promise<void> {
    await client.close();
    client = newClient();
  }

  async function poll(platform = LINUX_AMD64): Promise<Manifest> {
    return await client.fetchManifest(server.reference('lab/tool', { tag: '1' }), platform);
  }

  /** What `poll` came to, and the requests that it took. */
  async function polled(platform = LINUX_AMD64): Promise<[digest: string, requests: string[]]> {
    const { digest } = await poll(platform);
    return [digest, server.takeRequests()];
  }

  function child(image: TestImage): string {
    return `GET /v2/lab/tool/manifests/${image.manifestDigest}`;
  }

  function config(image: TestImage): string {
    return `GET /v2/lab/tool/blobs/${image.configDigest}`;
  }

  describe('a tag that did not move', () => {
    it('costs a HEAD and no body, also in the next run', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [GET]]);
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD]]);
      await restart();
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD]]);
    });

    it('costs a HEAD where it leads to an index', async () => {
      server.addManifest('lab/tool', '1', INDEX);
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [GET, child(AMD64)]]);
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD]]);
    });

    it('costs a HEAD for all platforms together, configs that decide included', async () => {
      const index = buildIndex([indexEntry(ARM64.manifest), indexEntry(AMD64.manifest)]);
      server.addManifest('lab/tool', '1', index);
      const reference = server.reference('lab/tool', { tag: '1' });
      const fetching = async (): Promise<(string | undefined)[]> => {
        const { manifests } = await client.fetchManifests(reference, [LINUX_AMD64, LINUX_ARM64]);
        return manifests.map((manifest) => manifest?.digest);
      };
      assert.deepEqual(await fetching(), [AMD64.manifestDigest, ARM64.manifestDigest]);
      assert.deepEqual(server.takeRequests(), [
        GET,
        child(ARM64),
        config(ARM64),
        child(AMD64),
        config(AMD64),
      ]);
      assert.deepEqual(await fetching(), [AMD64.manifestDigest, ARM64.manifestDigest]);
      assert.deepEqual(server.takeRequests(), [HEAD]);
    });

    it('brings what another platform needs, and keeps the first one', async () => {
      server.addManifest('lab/tool', '1', INDEX);
      await polled();
      assert.deepEqual(await polled(LINUX_ARM64), [ARM64.manifestDigest, [HEAD, child(ARM64)]]);
      assert.deepEqual(await polled(LINUX_AMD64), [AMD64.manifestDigest, [HEAD]]);
      assert.deepEqual(await polled(LINUX_ARM64), [ARM64.manifestDigest, [HEAD]]);
    });

    it('costs a HEAD where it has no image for the platform', async () => {
      server.addManifest('lab/tool', '1', buildIndex([indexEntry(ARM64.manifest, 'linux/arm64')]));
      assert.equal((await failureOf(poll())).code, 'platform-missing');
      assert.deepEqual(server.takeRequests(), [GET]);
      assert.equal((await failureOf(poll())).code, 'platform-missing');
      assert.deepEqual(server.takeRequests(), [HEAD]);
    });

    it('goes on with what failed before', async () => {
      server.addManifest('lab/tool', '1', INDEX);
      server.fail(new RegExp(AMD64.manifestDigest), status(403), 1);
      assert.equal((await failureOf(poll())).code, 'forbidden');
      server.takeRequests();
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD, child(AMD64)]]);
    });
  });

  it('needs no request for what is pinned and remembered', async () => {
    const digest = server.addManifest('lab/tool', '1', INDEX);
    for (const version of [{ digest }, { tag: '1', digest }]) {
      const reference = server.reference('lab/tool', version);
      await client.fetchManifest(reference);
      assert.deepEqual(server.takeRequests(), [`GET /v2/lab/tool/manifests/${digest}`, child(AMD64)]);
      assert.equal((await client.fetchManifest(reference)).digest, AMD64.manifestDigest);
      assert.deepEqual(server.takeRequests(), []);
    }
  });

  describe('a tag that moved', () => {
    it('is read anew', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      await polled();
      server.addManifest('lab/tool', '1', NEWER.manifest);
      assert.deepEqual(await polled(), [NEWER.manifestDigest, [HEAD, GET]]);
      assert.deepEqual(await polled(), [NEWER.manifestDigest, [HEAD]]);
    });

    it('keeps the manifests of an index that stayed', async () => {
      server.addManifest('lab/tool', '1', INDEX);
      const reference = server.reference('lab/tool', { tag: '1' });
      await client.fetchManifests(reference, [LINUX_AMD64, LINUX_ARM64]);
      server.takeRequests();
      const index = buildIndex([
        indexEntry(NEWER.manifest, 'linux/amd64'),
        indexEntry(ARM64.manifest, 'linux/arm64'),
      ]);
      server.addManifest('lab/tool', '1', index);
      const { manifests } = await client.fetchManifests(reference, [LINUX_AMD64, LINUX_ARM64]);
      assert.deepEqual(server.takeRequests(), [HEAD, GET, child(NEWER)]);
      assert.deepEqual(
        manifests.map((manifest) => manifest?.bytes.toString()),
        [NEWER.manifest.toString(), ARM64.manifest.toString()],
      );
    });

    it('forgets what nothing leads to any more', async () => {
      server.addManifest('lab/tool', '1', INDEX);
      await polled();
      server.addManifest('lab/tool', '1', buildIndex([indexEntry(NEWER.manifest, 'linux/amd64')]));
      await polled();
      const { documents } = (await new ManifestFiles(directory).get(
        server.reference('lab/tool', { tag: '1' }),
      )) ?? { documents: new Map<string, Buffer>() };
      assert.deepEqual([...documents.keys()].includes(AMD64.manifestDigest), false);
      assert.equal(documents.size, 2);
    });

    it('does not get by with a manifest of another size than its entry says', async () => {
      server.addManifest('lab/tool', '1', INDEX);
      await polled();
      const entry = { ...indexEntry(AMD64.manifest, 'linux/amd64'), size: AMD64.manifest.length + 1 };
      server.addManifest('lab/tool', '1', buildIndex([entry]));
      assert.equal((await failureOf(poll())).code, 'digest-mismatch');
    });

    it('is unknown when it is deleted', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      await polled();
      server.fail(/manifests\/1$/, status(404, { code: 'MANIFEST_UNKNOWN' }));
      assert.equal((await failureOf(poll())).code, 'tag-unknown');
      assert.deepEqual(server.takeRequests(), [HEAD, GET]);
    });
  });

  /** `requests` are the methods of the second poll, when nothing has changed. */
  const HEADS: readonly (readonly [
    what: string,
    fault: Fault,
    times: number,
    code: FailureCode | 'good',
    requests: string,
  ])[] = [
    ['400', status(400), Infinity, 'good', 'HEAD GET'],
    ['404', status(404), Infinity, 'good', 'HEAD GET'],
    ['401 without challenge', status(401), Infinity, 'good', 'HEAD GET'],
    ['403', status(403), Infinity, 'good', 'HEAD GET'],
    ['405', status(405), Infinity, 'good', 'HEAD GET'],
    ['406', status(406), Infinity, 'good', 'HEAD GET'],
    ['415', status(415), Infinity, 'good', 'HEAD GET'],
    ['500', status(500), Infinity, 'good', 'HEAD GET'],
    ['501', status(501), Infinity, 'good', 'HEAD GET'],
    ['200 without digest', status(200), Infinity, 'good', 'HEAD GET'],
    ['an unreadable digest', instead('', { 'docker-content-digest': 'x' }), Infinity, 'good', 'HEAD GET'],
    ['another digest', instead('', { 'docker-content-digest': WRONG_DIGEST }), Infinity, 'good', 'HEAD GET'],
    ['503, then well', status(503), 2, 'good', 'HEAD HEAD HEAD'],
    ['429, then well', status(429, { headers: { 'retry-after': '0' } }), 1, 'good', 'HEAD HEAD'],
    ['503 always', status(503), Infinity, 'registry-error', 'HEAD HEAD HEAD HEAD'],
    ['429 always', status(429), Infinity, 'rate-limited', 'HEAD HEAD HEAD HEAD'],
    [
      '429 for an hour',
      status(429, { headers: { 'retry-after': '3600' } }),
      Infinity,
      'rate-limited',
      'HEAD',
    ],
  ];

  for (const [what, fault, times, code, requests] of HEADS) {
    it(`${what} for the HEAD is ${code} after ${requests}`, async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      await polled();
      server.fail(/^HEAD /, fault, times);
      if (code === 'good') assert.equal((await poll()).digest, AMD64.manifestDigest);
      else assert.equal((await failureOf(poll())).code, code);
      const methods = server.takeRequests().map((request) => request.replace(/ .*/, ''));
      assert.equal(methods.join(' '), requests);
    });
  }

  for (const code of [400, 401, 403, 405, 406, 415, 500, 501]) {
    it(`asks the registry with GET from then on, for other images too, where HEAD gets ${code}`, async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      server.addManifest('lab/other', '1', NEWER.manifest);
      const other = server.reference('lab/other', { tag: '1' });
      await client.fetchManifest(other);
      await polled();
      server.fail(/^HEAD /, status(code));
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD, GET]]);
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [GET]]);
      await client.fetchManifest(other);
      assert.deepEqual(server.takeRequests(), ['GET /v2/lab/other/manifests/1']);
    });
  }

  it('asks with HEAD again where GET failed too', async () => {
    server.addManifest('lab/tool', '1', AMD64.manifest);
    await polled();
    server.fail(/manifests/, status(403), 2);
    assert.equal((await failureOf(poll())).code, 'forbidden');
    assert.deepEqual(server.takeRequests(), [HEAD, GET]);
    assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD]]);
  });

  const GONE: readonly (readonly [what: string, fault: Fault, code: FailureCode])[] = [
    ['404', status(404), 'tag-unknown'],
    ['404 NAME_UNKNOWN', status(404, { code: 'NAME_UNKNOWN' }), 'image-unknown'],
  ];

  for (const [what, fault, code] of GONE) {
    it(`${what} for HEAD and GET is ${code}`, async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      await polled();
      server.fail(/manifests/, fault);
      assert.equal((await failureOf(poll())).code, code);
      assert.deepEqual(server.takeRequests(), [HEAD, GET]);
    });
  }

  it('gets a token for the HEAD', async () => {
    server.addManifest('lab/tool', '1', AMD64.manifest);
    void new TokenService(server);
    await polled();
    await restart();
    const [digest, requests] = await polled();
    assert.equal(digest, AMD64.manifestDigest);
    assert.deepEqual(
      requests.map((request) => request.replace(/\?.*/, '')),
      [HEAD, 'GET /token', HEAD],
    );
  });

  describe('a registry that lies about digests in answers to HEAD', () => {
    it('has what it sends verified', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      await polled();
      server.fail(/^HEAD /, instead('', { 'docker-content-digest': WRONG_DIGEST }));
      server.fail(/^GET /, instead(NEWER.manifest, { 'docker-content-digest': WRONG_DIGEST }));
      assert.equal((await failureOf(poll())).code, 'digest-mismatch');
    });

    it('gets no further than to what was verified before', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest);
      await polled();
      server.addManifest('lab/tool', '1', NEWER.manifest);
      server.fail(/^HEAD /, instead('', { 'docker-content-digest': AMD64.manifestDigest }));
      const manifest = await poll();
      assert.deepEqual(manifest.bytes, AMD64.manifest);
    });
  });

  describe('a registry that does not tell digests', () => {
    it('is asked for what is new, and from then on without HEAD', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest, { ...NO_DIGEST, etag: '"one"' });
      server.addManifest('lab/other', '1', NEWER.manifest, { ...NO_DIGEST, etag: '"other"' });
      const other = server.reference('lab/other', { tag: '1' });
      await client.fetchManifest(other);
      await polled();
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD, GET]]);
      await client.fetchManifest(other);
      assert.deepEqual(
        server.seen.map(({ method, ifNoneMatch }) => [method, ifNoneMatch]),
        [['GET', '"other"']],
      );
      server.takeRequests();
      server.addManifest('lab/tool', '1', NEWER.manifest, { ...NO_DIGEST, etag: '"two"' });
      assert.deepEqual(await polled(), [NEWER.manifestDigest, [GET]]);
      await restart();
      assert.equal((await poll()).digest, NEWER.manifestDigest);
      assert.deepEqual(
        server.seen.map(({ method, ifNoneMatch }) => [method, ifNoneMatch]),
        [
          ['HEAD', undefined],
          ['GET', '"two"'],
        ],
      );
    });

    it('is asked for all where it has no entity tags either', async () => {
      server.addManifest('lab/tool', '1', INDEX, NO_DIGEST);
      await polled();
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [HEAD, GET]]);
      assert.deepEqual(await polled(), [AMD64.manifestDigest, [GET]]);
      assert.deepEqual(
        server.seen.filter(({ ifNoneMatch }) => ifNoneMatch !== undefined),
        [],
      );
    });

    it('does not get entity tags that are no text', async () => {
      server.addManifest('lab/tool', '1', AMD64.manifest, { ...NO_DIGEST, etag: '"\u00e9"' });
      await polled();
      await poll();
      assert.deepEqual(
        server.seen.map(({ ifNoneMatch }) => ifNoneMatch),
        [undefined, undefined],
      );
    });

    it('does not get the entity tags of another', async () => {
      const mirror = await FaultServer.start();
      try {
        server.addManifest('lab/tool', '1', AMD64.manifest, { ...NO_DIGEST, etag: '"1"' });
        mirror.addManifest('lab/tool', '1', NEWER.manifest, { ...NO_DIGEST, etag: '"1"' });
        await polled();
        await client.close();
        const place = { scheme: 'http', host: mirror.host, prefix: '' } as const;
        client = quickClient({
          manifestCache: new ManifestFiles(directory),
          routes: () => ({ proxy: undefined, mirrors: [place] }),
        });
        assert.equal((await poll()).digest, NEWER.manifestDigest);
        assert.deepEqual(
          mirror.seen.map(({ ifNoneMatch }) => ifNoneMatch),
          [undefined, undefined],
        );
      } finally {
        await mirror.close();
      }
    });

    for (const [what, fault, code] of GONE) {
      it(`${what} is ${code}`, async () => {
        server.addManifest('lab/tool', '1', AMD64.manifest, { ...NO_DIGEST, etag: '"one"' });
        await polled();
        await polled();
        server.fail(/manifests/, fault);
        assert.equal((await failureOf(poll())).code, code);
        assert.deepEqual(server.takeRequests(), [GET]);
      });
    }
  });

  it('checks documents that it reads for a remembered index', async () => {
    server.addManifest('lab/tool', '1', INDEX);
    await polled();
    server.fail(new RegExp(ARM64.manifestDigest), instead(NEWER.manifest));
    assert.equal((await failureOf(poll(LINUX_ARM64))).code, 'digest-mismatch');
  });

  it('reads all again when the memory is lost', async () => {
    server.addManifest('lab/tool', '1', INDEX, { 'content-type': OCI_INDEX_TYPE });
    await polled();
    await rm(directory, { recursive: true });
    assert.deepEqual(await polled(), [AMD64.manifestDigest, [GET, child(AMD64)]]);
  });
});
