import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { ManifestFiles } from '../../../publisher/registry/manifest/manifest-cache.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import type { Endpoint, RegistryRoute } from '../../../publisher/registry/endpoint.ts';
import type { FailureCode } from '../../../core/failure.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import {
  cut,
  drop,
  garbage,
  instead,
  shortened,
  status,
  wrongBytes,
  type Fault,
} from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const LAYER = plainLayer(Buffer.from('0123456789'));
const IMAGE = buildImage({ layers: [LAYER] });
const OTHER = buildImage({ layers: [plainLayer(Buffer.from('other'))] });
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };
const BASIC = `Basic ${Buffer.from('me:hidden').toString('base64')}`;
const WRONG_DIGEST = `sha256:${'0'.repeat(64)}`;

describe('publisher/registry/endpoints', () => {
  let origin: FaultServer;
  let mirror: FaultServer;
  let second: FaultServer;
  let reference: ImageReference;
  let warnings: string[];
  let client: RegistryClient | undefined;

  beforeEach(async () => {
    [origin, mirror, second] = await Promise.all([
      FaultServer.start(),
      FaultServer.start(),
      FaultServer.start(),
    ]);
    for (const server of [origin, mirror, second]) server.addImage('lab/tool', '1', IMAGE);
    reference = origin.reference('lab/tool', { tag: '1' });
    warnings = [];
  });

  afterEach(async () => {
    await client?.close();
    await Promise.all([origin, mirror, second].map(async (server) => await server.close()));
  });

  function placeOf(server: FaultServer, prefix = ''): Endpoint {
    return { scheme: 'http', host: server.host, prefix };
  }

  /** A client that asks so for images of the origin. */
  function clientFor(route: Partial<RegistryRoute>, options: Partial<RegistryOptions> = {}): RegistryClient {
    client = quickClient({
      routes: (host) => ({ proxy: undefined, mirrors: [], ...(host === origin.host && route) }),
      warn: (message) => {
        warnings.push(message);
      },
      ...options,
    });
    return client;
  }

  /** How many requests the mirror, the second mirror or the proxy, and the origin got. */
  function counts(): number[] {
    return [mirror, second, origin].map(({ seen }) => seen.length);
  }

  it('asks the mirror, and the registry not at all', async () => {
    const asked = clientFor({ mirrors: [placeOf(mirror)] });
    const manifest = await asked.fetchManifest(reference);
    await asked.fetchConfig(reference, manifest);
    assert.deepEqual(await collect(await asked.openBlob(reference, DESCRIPTOR)), LAYER.bytes);
    assert.deepEqual(counts(), [3, 0, 0]);
    assert.deepEqual(warnings, []);
  });

  it('asks the registry itself for images that have no mirror', async () => {
    await clientFor({ mirrors: [placeOf(mirror)] }).fetchManifest(second.reference('lab/tool', { tag: '1' }));
    assert.deepEqual(counts(), [0, 1, 0]);
  });

  it('asks mirrors in their order', async () => {
    mirror.fail(/./, status(404));
    second.fail(/./, status(500));
    const asked = clientFor({ mirrors: [placeOf(mirror), placeOf(second)] });
    assert.equal((await asked.fetchManifest(reference)).digest, IMAGE.manifestDigest);
    assert.deepEqual(counts(), [1, 1, 1]);
    assert.equal(warnings.length, 1);
    assert(warnings[0]?.includes(second.host));
  });

  const FAULTS: readonly (readonly [what: string, fault: Fault, isWarned: boolean])[] = [
    ['404', status(404), false],
    ['404 NAME_UNKNOWN', status(404, { code: 'NAME_UNKNOWN' }), false],
    ['401', status(401), true],
    ['401 for Basic', status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } }), true],
    ['401 for nowhere', status(401, { headers: { 'www-authenticate': 'Bearer realm="/token"' } }), true],
    ['403', status(403), true],
    ['429', status(429), true],
    ['429 for an hour', status(429, { headers: { 'retry-after': '3600' } }), true],
    ['500', status(500), true],
    ['302 to nowhere', status(302, { headers: { location: 'ftp://x' } }), true],
    ['a closed connection', drop, true],
    ['no HTTP', garbage, true],
    ['a cut body', cut, true],
    ['too much', instead(Buffer.alloc(17 * 1024 * 1024)), true],
  ];

  /** Beside them, what only a check of the bytes finds. */
  const WRONG: readonly (readonly [what: string, fault: Fault, isWarned: boolean])[] = [
    ['another manifest', instead(OTHER.manifest), true],
    ['wrong bytes', wrongBytes, true],
    ['a shorter body', shortened, true],
  ];

  for (const [what, fault, isWarned] of [...FAULTS, ...WRONG]) {
    it(`falls back to the registry for a manifest and a config after ${what}, ${isWarned ? 'with one warning' : 'silently'}`, async () => {
      const pinned = { ...reference, digest: IMAGE.manifestDigest };
      mirror.fail(/./, fault);
      const asked = clientFor({ mirrors: [placeOf(mirror)] });
      for (let time = 1; time <= 2; time += 1) {
        const manifest = await asked.fetchManifest(pinned);
        assert.deepEqual(manifest.bytes, IMAGE.manifest);
        await asked.fetchConfig(pinned, manifest);
      }
      // A mirror that cannot be connected to is left alone for a while.
      assert(mirror.seen.length <= 4);
      assert.equal(origin.seen.length, 4);
      assert.equal(new Set(warnings).size, warnings.length);
      assert.equal(warnings.length > 0, isWarned);
      for (const warning of warnings) assert(warning.includes(mirror.host), warning);
    });
  }

  it('falls back after a manifest that has not the digest of its header', async () => {
    mirror.fail(/./, instead(OTHER.manifest, { 'docker-content-digest': WRONG_DIGEST }));
    const asked = clientFor({ mirrors: [placeOf(mirror)] });
    assert.equal((await asked.fetchManifest(reference)).digest, IMAGE.manifestDigest);
    assert.deepEqual(counts(), [1, 0, 1]);
    assert.equal(warnings.length, 1);
  });

  it('falls back from a mirror that is dead', async () => {
    const dead = await FaultServer.start();
    const place = placeOf(dead);
    await dead.close();
    const asked = clientFor({ mirrors: [place] });
    for (let time = 1; time <= 3; time += 1) await asked.fetchManifest(reference);
    assert.deepEqual(counts(), [0, 0, 3]);
    assert.equal(warnings.length, 1);
    assert(warnings[0]?.includes(place.host));
  });

  it('warns once for each kind of failure', async () => {
    const asked = clientFor({ mirrors: [placeOf(mirror)] });
    mirror.fail(/manifests/, status(500), 3);
    mirror.fail(/manifests/, status(403), 3);
    for (let time = 1; time <= 6; time += 1) await asked.fetchManifest(reference);
    assert.deepEqual(counts(), [6, 0, 6]);
    assert.equal(warnings.length, 2);
  });

  const LASTS: readonly (readonly [mirror: Fault, origin: Fault, code: FailureCode])[] = [
    [status(404), status(403), 'forbidden'],
    [status(403), status(404), 'tag-unknown'],
    [status(500), status(404, { code: 'NAME_UNKNOWN' }), 'image-unknown'],
    [wrongBytes, status(401), 'unauthorized'],
  ];

  for (const [atMirror, atOrigin, code] of LASTS) {
    it(`fails as the registry does: ${code}`, async () => {
      mirror.fail(/./, atMirror);
      origin.fail(/./, atOrigin);
      const asked = clientFor({ mirrors: [placeOf(mirror)] });
      const failure = await failureOf(asked.fetchManifest({ ...reference, digest: IMAGE.manifestDigest }));
      assert.equal(failure.code, code);
      assert(failure.message.includes(origin.host) && !failure.message.includes(mirror.host));
      assert.deepEqual(counts(), [1, 0, 1]);
    });
  }

  it('tries the registry itself as often as without mirrors', async () => {
    mirror.fail(/./, status(500));
    origin.fail(/./, status(500), 3);
    await clientFor({ mirrors: [placeOf(mirror)] }).fetchManifest(reference);
    assert.deepEqual(counts(), [1, 0, 4]);
  });

  it('does not ask the next one when it is stopped', async () => {
    const stop = new AbortController();
    mirror.fail(/./, () => {
      stop.abort();
    });
    const asked = clientFor({ mirrors: [placeOf(mirror)] });
    const { signal } = stop;
    const failure = await failureOf(asked.openBlob(reference, DESCRIPTOR, { signal }));
    assert.equal(failure.code, 'interrupted');
    assert.deepEqual(counts(), [1, 0, 0]);
  });

  it('polls the mirror', async () => {
    const memory = new ManifestFiles(await temporaryDirectory('manifests'));
    const asked = clientFor({ mirrors: [placeOf(mirror)] }, { manifestCache: memory });
    await asked.fetchManifest(reference);
    await asked.fetchManifest(reference);
    mirror.fail(/./, status(404));
    await asked.fetchManifest(reference);
    assert.deepEqual(
      mirror.seen.map(({ method }) => method),
      ['GET', 'HEAD', 'HEAD', 'GET'],
    );
    assert.deepEqual(origin.takeRequests(), ['HEAD /v2/lab/tool/manifests/1']);
  });

  it('goes before the repository with its prefix, also in scopes', async () => {
    mirror.addImage('cache/hub/lab/tool', '1', IMAGE);
    mirror.tagPages.set('cache/hub/lab/tool', [['1']]);
    mirror.fail(/token/, instead('{"token":"t"}'));
    mirror.guard = ({ url, headers }, response) => {
      if (url?.startsWith('/token') === true || headers.authorization !== undefined) return false;
      const challenge = `Bearer realm="http://${mirror.host}/token"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    };
    const asked = clientFor({ mirrors: [placeOf(mirror, 'cache/hub')] });
    await asked.fetchManifest(reference);
    await collect(await asked.openBlob(reference, DESCRIPTOR));
    await asked.listTags(reference);
    assert.deepEqual(mirror.paths, [
      '/v2/cache/hub/lab/tool/manifests/1',
      '/token?scope=repository%3Acache%2Fhub%2Flab%2Ftool%3Apull',
      '/v2/cache/hub/lab/tool/manifests/1',
      `/v2/cache/hub/lab/tool/blobs/${LAYER.diffId}`,
      '/v2/cache/hub/lab/tool/tags/list?n=1000',
    ]);
    assert.deepEqual(counts(), [5, 0, 0]);
  });

  describe('a proxy', () => {
    it('is asked in place of the registry', async () => {
      second.addImage('cache/lab/tool', '1', IMAGE);
      second.tagPages.set('cache/lab/tool', [['1']]);
      const asked = clientFor({ proxy: placeOf(second, 'cache') });
      const manifest = await asked.fetchManifest(reference);
      await asked.fetchConfig(reference, manifest);
      await collect(await asked.openBlob(reference, DESCRIPTOR));
      assert.deepEqual((await asked.listTags(reference)).tags, ['1']);
      assert.deepEqual(counts(), [0, 4, 0]);
    });

    const CODES: readonly (readonly [fault: Fault, code: FailureCode, requests: number])[] = [
      [status(401), 'unauthorized', 1],
      [status(403), 'forbidden', 1],
      [status(404), 'tag-unknown', 1],
      [status(404, { code: 'NAME_UNKNOWN' }), 'image-unknown', 1],
      [status(429), 'rate-limited', 4],
      [status(500), 'registry-error', 4],
      [drop, 'registry-unreachable', 4],
      [cut, 'registry-error', 4],
    ];

    for (const [fault, code, requests] of CODES) {
      it(`fails with ${code} after ${requests} requests, is named, and the registry still is not asked`, async () => {
        second.fail(/./, fault);
        const failure = await failureOf(clientFor({ proxy: placeOf(second) }).fetchManifest(reference));
        assert.equal(failure.code, code);
        assert(failure.message.includes(second.host), failure.message);
        assert.deepEqual(counts(), [0, requests, 0]);
        assert.deepEqual(warnings, []);
      });
    }

    it('is asked after the mirrors', async () => {
      mirror.fail(/./, status(403));
      const asked = clientFor({ proxy: placeOf(second), mirrors: [placeOf(mirror)] });
      await asked.fetchManifest(reference);
      assert.deepEqual(counts(), [1, 1, 0]);
      assert.equal(warnings.length, 1);
      assert.deepEqual(
        await collect(await asked.openBlob(reference, DESCRIPTOR, { attempt: 2 })),
        LAYER.bytes,
      );
      assert.deepEqual(counts(), [1, 2, 0]);
    });
  });

  describe('a blob', () => {
    for (const [attempt, expected] of [
      [1, [1, 0, 0]],
      [2, [0, 1, 0]],
      [3, [0, 0, 1]],
      [4, [0, 0, 1]],
    ] as const) {
      it(`is taken from the next place at attempt ${attempt}`, async () => {
        const asked = clientFor({ mirrors: [placeOf(mirror), placeOf(second)] });
        assert.deepEqual(
          await collect(await asked.openBlob(reference, DESCRIPTOR, { attempt })),
          LAYER.bytes,
        );
        assert.deepEqual(counts(), expected);
      });
    }

    for (const [what, fault] of [
      ['cut', cut],
      ['wrong', wrongBytes],
    ] as const) {
      it(`that is ${what} at the mirror comes from the registry at the second attempt`, async () => {
        mirror.fail(/blobs/, fault);
        const asked = clientFor({ mirrors: [placeOf(mirror)] });
        const received = await collect(await asked.openBlob(reference, DESCRIPTOR)).catch(() => undefined);
        assert.notDeepEqual(received, LAYER.bytes);
        const again = await asked.openBlob(reference, DESCRIPTOR, { attempt: 2 });
        assert.deepEqual(await collect(again), LAYER.bytes);
        assert.deepEqual(counts(), [1, 0, 1]);
      });
    }

    for (const [what, fault, isWarned] of FAULTS.filter(
      ([name]) => name !== 'a cut body' && name !== 'too much',
    )) {
      it(`falls back to the registry after ${what}`, async () => {
        mirror.fail(/blobs/, fault);
        const asked = clientFor({ mirrors: [placeOf(mirror)] });
        assert.deepEqual(await collect(await asked.openBlob(reference, DESCRIPTOR)), LAYER.bytes);
        assert.deepEqual(counts(), [1, 0, 1]);
        assert.equal(warnings.length, isWarned ? 1 : 0);
      });
    }

    it('goes on from an offset at the registry where the mirror cannot', async () => {
      mirror.fail(/blobs/, (response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end(LAYER.bytes);
      });
      const asked = clientFor({ mirrors: [placeOf(mirror)] });
      const body = await asked.openBlob(reference, DESCRIPTOR, { offset: 4 });
      assert.equal((await collect(body)).toString(), '456789');
      assert.deepEqual(
        [mirror, origin].map(({ seen }) => seen.map(({ range }) => range)),
        [['bytes=4-'], ['bytes=4-']],
      );
    });
  });

  describe('a tag list', () => {
    beforeEach(() => {
      mirror.tagPages.set('lab/tool', [['a'], ['b'], ['c']]);
      origin.tagPages.set('lab/tool', [['x'], ['y']]);
    });

    it('has all its pages from the mirror', async () => {
      assert.deepEqual((await clientFor({ mirrors: [placeOf(mirror)] }).listTags(reference)).tags, [
        'a',
        'b',
        'c',
      ]);
      assert.deepEqual(counts(), [3, 0, 0]);
    });

    /** `requests` are those to the mirror. */
    const PAGES: readonly (readonly [what: string, fault: Fault, requests: number])[] = [
      ['404', status(404), 2],
      ['500', status(500), 2],
      ['a cut body', cut, 2],
      ['no JSON', instead('<html>'), 2],
      ['the first page again', instead('{"tags":["a"]}', { link: '<?n=1000>; rel="next"' }), 2],
      ['a link to nothing', instead('{"tags":["b"]}', { link: '<http://x.example/>; rel="next"' }), 3],
    ];

    for (const [what, fault, requests] of PAGES) {
      it(`is the registry's as a whole where a page of the mirror is ${what}`, async () => {
        mirror.fail(/page=1/, fault);
        const asked = clientFor({ mirrors: [placeOf(mirror)] });
        assert.deepEqual((await asked.listTags(reference)).tags, ['x', 'y']);
        assert.deepEqual(counts(), [requests, 0, 2]);
        assert.equal(warnings.length, 1);
      });
    }
  });

  describe('credentials', () => {
    function credentialsFor(...servers: FaultServer[]): Pick<RegistryOptions, 'credentials'> {
      const hosts = new Set(servers.map(({ host }) => host));
      const known = { user: 'me', password: 'hidden', origin: 'a test' };
      return {
        credentials: async (host) => await Promise.resolve(hosts.has(host) ? known : undefined),
      };
    }

    function demandBasic(...servers: FaultServer[]): void {
      for (const server of servers)
        server.guard = ({ headers }, response) => {
          if (headers.authorization === BASIC) return false;
          response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
          return true;
        };
    }

    function sentTo(server: FaultServer): (string | undefined)[] {
      return server.seen.map(({ authorization }) => authorization);
    }

    it('of the registry do not go to its mirror', async () => {
      demandBasic(mirror, origin);
      await clientFor({ mirrors: [placeOf(mirror)] }, credentialsFor(origin)).fetchManifest(reference);
      assert.deepEqual(sentTo(mirror), [undefined]);
      assert.deepEqual(sentTo(origin), [undefined, BASIC]);
    });

    it('of the registry do not go to its proxy', async () => {
      demandBasic(second);
      const asked = clientFor({ proxy: placeOf(second) }, credentialsFor(origin));
      assert.equal((await failureOf(asked.fetchManifest(reference))).code, 'unauthorized');
      assert.deepEqual(sentTo(second), [undefined]);
      assert.deepEqual(counts(), [0, 1, 0]);
    });

    it('of the mirror do not go to the registry', async () => {
      demandBasic(mirror, origin);
      mirror.fail(/./, status(404));
      const asked = clientFor({ mirrors: [placeOf(mirror)] }, credentialsFor(mirror));
      assert.equal((await failureOf(asked.fetchManifest(reference))).code, 'unauthorized');
      assert.deepEqual(sentTo(mirror), [undefined, BASIC]);
      assert.deepEqual(sentTo(origin), [undefined]);
    });

    it('of the mirror that are wrong do not hinder the registry, and are warned of', async () => {
      mirror.fail(/./, status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } }));
      await clientFor({ mirrors: [placeOf(mirror)] }, credentialsFor(mirror)).fetchManifest(reference);
      assert.deepEqual(sentTo(mirror), [undefined, BASIC]);
      assert.equal(warnings.length, 1);
      const [warning = ''] = warnings;
      assert(warning.includes('a test'), warning);
      assert(!warning.includes(BASIC.slice(6)) && !warning.includes('hidden'), warning);
    });

    it('go over plain HTTP to a mirror of this machine, whatever the wish has', async () => {
      demandBasic(mirror);
      const asked = clientFor(
        { mirrors: [placeOf(mirror)], proxy: placeOf(second) },
        credentialsFor(mirror, second),
      );
      await asked.fetchManifest({ ...reference, scheme: 'https' });
      assert.deepEqual(sentTo(mirror), [undefined, BASIC]);
      assert.deepEqual(sentTo(second), []);
    });

    it('bring a token for the mirror alone', async () => {
      void new TokenService(mirror, { basic: BASIC });
      mirror.blobs.delete(LAYER.diffId);
      const asked = clientFor({ mirrors: [placeOf(mirror)] }, credentialsFor(mirror));
      await asked.fetchManifest(reference);
      await collect(await asked.openBlob(reference, DESCRIPTOR));
      assert.deepEqual(sentTo(mirror), [undefined, BASIC, 'Bearer secret-token-1', 'Bearer secret-token-1']);
      assert.deepEqual(sentTo(origin), [undefined]);
    });
  });
});
