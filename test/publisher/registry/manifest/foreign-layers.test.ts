import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { LayerDescriptor, Manifest } from '../../../../core/oci/manifest.ts';
import type { ForeignLayers, RegistryOptions } from '../../../../publisher/registry/options.ts';
import { LINUX_AMD64 } from '../../../../core/oci/platform.ts';
import { Spool } from '../../../../publisher/spool/spool.ts';
import type { ImageReference } from '../../../../core/oci/reference.ts';
import type { FailureCode } from '../../../../core/failure.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { drop, redirect, status, wrongBytes, type Fault } from '../../../support/registry/faults.ts';
import { buildImage, plainLayer, type TestLayer } from '../../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const FOREIGN_TYPE = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
const [BASE, OWN, TOP] = ['base', 'own', 'top'].map((text) => plainLayer(Buffer.from(text))) as [
  TestLayer,
  TestLayer,
  TestLayer,
];

describe('publisher/registry/manifest/foreign-layers', () => {
  let server: FaultServer;
  let elsewhere: FaultServer;
  let client: RegistryClient | undefined;

  beforeEach(async () => {
    server = await FaultServer.start();
    elsewhere = await FaultServer.start();
  });

  afterEach(async () => {
    await client?.close();
    await server.close();
    await elsewhere.close();
  });

  /** An image whose lowest and third layers are foreign, to be had at `urls`. */
  function addImage(urls: readonly string[] = []): ImageReference {
    const foreign = { mediaType: FOREIGN_TYPE, urls };
    const image = buildImage({ layers: [{ ...BASE, ...foreign }, OWN, { ...TOP, ...foreign }] });
    server.addImage('lab/tool', '1', image);
    return server.reference('lab/tool', { tag: '1' });
  }

  async function read(
    reference: ImageReference,
    foreignLayers: ForeignLayers,
    options: Partial<RegistryOptions> = {},
  ): Promise<{ manifest: Manifest; diffIds: readonly string[] }> {
    client = quickClient({ ...options, foreignLayers });
    const manifest = await client.fetchManifest(reference);
    return { manifest, diffIds: (await client.fetchConfig(reference, manifest)).diffIds };
  }

  function digestsOf({ layers }: Manifest): string[] {
    return layers.map(({ digest }) => digest);
  }

  describe('refuse', () => {
    it('is what clients do by themselves', async () => {
      client = quickClient();
      assert.equal((await failureOf(client.fetchManifest(addImage()))).code, 'media-type-unsupported');
    });

    it('names the layer and its media type', async () => {
      client = quickClient({ foreignLayers: 'refuse' });
      const failure = await failureOf(client.fetchManifests(addImage(), [LINUX_AMD64]));
      assert.equal(failure.code, 'media-type-unsupported');
      assert(
        failure.message.includes(BASE.diffId) && failure.message.includes(FOREIGN_TYPE),
        failure.message,
      );
    });
  });

  it('skip leaves them out, and their diff IDs', async () => {
    const { manifest, diffIds } = await read(addImage(), 'skip');
    assert.deepEqual(digestsOf(manifest), [OWN.diffId]);
    assert.deepEqual(manifest.skipped, [0, 2]);
    assert.deepEqual(diffIds, [OWN.diffId]);
  });

  it('fetch keeps them', async () => {
    const { manifest, diffIds } = await read(addImage(), 'fetch');
    assert.deepEqual(digestsOf(manifest), [BASE.diffId, OWN.diffId, TOP.diffId]);
    assert.deepEqual(manifest.skipped, []);
    assert.deepEqual(diffIds, [BASE.diffId, OWN.diffId, TOP.diffId]);
  });

  for (const policy of ['skip', 'fetch'] as const) {
    it(`${policy} does not mind images without them`, async () => {
      server.addImage('lab/tool', '1', buildImage({ layers: [OWN, TOP] }));
      const { manifest, diffIds } = await read(server.reference('lab/tool', { tag: '1' }), policy);
      assert.deepEqual([digestsOf(manifest), manifest.skipped], [[OWN.diffId, TOP.diffId], []]);
      assert.deepEqual(diffIds, [OWN.diffId, TOP.diffId]);
    });
  }

  it('refuses a config that has diff IDs for the others alone', async () => {
    const image = buildImage({
      layers: [{ ...BASE, mediaType: FOREIGN_TYPE }, OWN],
      config: { rootfs: { type: 'layers', diff_ids: [OWN.diffId] } },
    });
    server.addImage('lab/tool', '1', image);
    const reading = read(server.reference('lab/tool', { tag: '1' }), 'skip');
    assert.equal((await failureOf(reading)).code, 'manifest-invalid');
  });

  describe('the bytes of one', () => {
    /** The registry has a user and a password, and the image's lowest layer only where `registryHas` says so. */
    async function lowest(
      urls: readonly string[],
      { registryHas = false } = {},
    ): Promise<{ reference: ImageReference; layer: LayerDescriptor; client: RegistryClient }> {
      const reference = addImage(urls);
      if (!registryHas) server.blobs.delete(BASE.diffId);
      server.guard = (request, response) => {
        if (request.headers.authorization !== undefined) return false;
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
        return true;
      };
      const known = { user: 'me', password: 'secret', origin: 'a test' };
      const { manifest } = await read(reference, 'fetch', {
        credentials: async () => await Promise.resolve(known),
      });
      const [layer] = manifest.layers;
      assert(layer !== undefined && client !== undefined);
      server.takeRequests();
      return { reference, layer, client };
    }

    function at(name: string, fault?: Fault): string {
      elsewhere.fail(
        new RegExp(`/${name}$`),
        fault ?? ((response) => response.writeHead(200).end(BASE.bytes)),
      );
      return `http://${elsewhere.host}/${name}`;
    }

    it('come from the registry where it has them', async () => {
      const { reference, layer, client: asked } = await lowest([at('a')], { registryHas: true });
      assert.deepEqual(await collect(await asked.openBlob(reference, layer)), BASE.bytes);
      assert.deepEqual(elsewhere.paths, []);
      assert.equal(server.seen.length, 1);
    });

    it('come from elsewhere where it lacks them, and nobody gets to know its password', async () => {
      const { reference, layer, client: asked } = await lowest([at('a')]);
      assert.deepEqual(await collect(await asked.openBlob(reference, layer)), BASE.bytes);
      assert.equal(server.seen.length, 1);
      assert.deepEqual(
        elsewhere.seen.map(({ url, authorization }) => [url, authorization]),
        [['/a', undefined]],
      );
    });

    it('come without the password also from another path of the registry', async () => {
      const { reference, layer, client: asked } = await lowest([`http://${server.host}/layers/a`]);
      assert.equal((await failureOf(asked.openBlob(reference, layer))).code, 'unauthorized');
      assert.deepEqual(
        server.seen.map(({ url, authorization }) => [url, authorization !== undefined]),
        [
          [`/v2/lab/tool/blobs/${BASE.diffId}`, true],
          ['/layers/a', false],
        ],
      );
    });

    it('come from an offset on', async () => {
      elsewhere.blobs.set(BASE.diffId, BASE.bytes);
      const url = `http://${elsewhere.host}/v2/x/blobs/${BASE.diffId}`;
      const { reference, layer, client: asked } = await lowest([url]);
      const body = await asked.openBlob(reference, layer, { offset: 2 });
      assert.equal((await collect(body)).toString(), 'se');
      assert.equal(elsewhere.seen[0]?.range, 'bytes=2-');
    });

    it('are looked for at each address in turn, and from another one on with each attempt', async () => {
      const urls = [at('a', status(404)), at('b', status(403)), at('c')];
      const { reference, layer, client: asked } = await lowest(urls);
      for (const [attempt, paths] of [
        [1, ['/a', '/b', '/c']],
        [2, ['/b', '/c']],
        [3, ['/c']],
        [4, ['/a', '/b', '/c']],
      ] as const) {
        assert.deepEqual(await collect(await asked.openBlob(reference, layer, { attempt })), BASE.bytes);
        assert.deepEqual(elsewhere.paths, paths);
        elsewhere.takeRequests();
      }
    });

    const LASTS: readonly (readonly [
      what: string,
      faults: readonly Fault[],
      code: FailureCode,
      requests: number,
    ])[] = [
      ['no address', [], 'blob-unknown', 0],
      ['404', [status(404)], 'blob-unknown', 1],
      ['403, 404', [status(403), status(404)], 'blob-unknown', 2],
      ['404, 403', [status(404), status(403)], 'forbidden', 2],
      [
        '401 for Basic',
        [status(401, { headers: { 'www-authenticate': 'Basic realm="r"' } })],
        'unauthorized',
        1,
      ],
      ['404, closed connections', [status(404), drop], 'registry-unreachable', 5],
    ];

    for (const [what, faults, code, requests] of LASTS) {
      it(`are ${code} after ${requests} requests for ${what}`, async () => {
        const urls = faults.map((fault, place) => at(`${place}`, fault));
        const { reference, layer, client: asked } = await lowest(urls);
        assert.equal((await failureOf(asked.openBlob(reference, layer))).code, code);
        assert.equal(elsewhere.seen.length, requests);
        assert(elsewhere.seen.every(({ authorization }) => authorization === undefined));
      });
    }

    it('are not looked for at thousands of addresses', async () => {
      const urls = Array.from({ length: 100 }, (_, place) => at(`${place}`, status(404)));
      const { reference, layer, client: asked } = await lowest(urls);
      assert.equal((await failureOf(asked.openBlob(reference, layer))).code, 'blob-unknown');
      assert.equal(elsewhere.seen.length, 10);
    });

    it('are not looked for where other failures of the registry may pass', async () => {
      const { reference, layer, client: asked } = await lowest([at('a')]);
      server.fail(/blobs/, status(403));
      assert.equal((await failureOf(asked.openBlob(reference, layer))).code, 'forbidden');
      assert.deepEqual(elsewhere.paths, []);
    });

    it('are not looked for at what is no web address, or over plain HTTP for a wish without it', async () => {
      const urls = ['layer.tar', 'ftp://127.0.0.1/a', 'file:///etc/passwd', at('a')];
      const { reference, layer } = await lowest(urls);
      const place = { scheme: 'http', host: server.host, prefix: '' } as const;
      await client?.close();
      client = quickClient({ routes: () => ({ proxy: place, mirrors: [] }), foreignLayers: 'fetch' });
      server.guard = () => false;
      const secure = { ...reference, scheme: 'https' } as const;
      assert.equal((await failureOf(client.openBlob(secure, layer))).code, 'blob-unknown');
      assert.deepEqual(elsewhere.paths, []);
      assert.deepEqual(await collect(await client.openBlob(reference, layer)), BASE.bytes);
      assert.deepEqual(elsewhere.paths, ['/a']);
    });

    it('of an ordinary layer are never looked for elsewhere', async () => {
      const image = buildImage({ layers: [{ ...BASE, urls: [at('a')] }] });
      server.addImage('lab/tool', '1', image);
      server.blobs.delete(BASE.diffId);
      const reference = server.reference('lab/tool', { tag: '1' });
      const { manifest } = await read(reference, 'fetch');
      const [layer] = manifest.layers;
      assert(layer !== undefined && client !== undefined);
      assert.equal((await failureOf(client.openBlob(reference, layer))).code, 'blob-unknown');
      assert.deepEqual(elsewhere.paths, []);
    });

    it('do not bring secrets of addresses into messages', async () => {
      const url = new URL(at('a', redirect('http://127.0.0.1:1/x?signature=secret')));
      url.username = 'secret';
      url.password = 'secret';
      const { reference, layer, client: asked } = await lowest([url.href]);
      const failure = await failureOf(asked.openBlob(reference, layer));
      assert.equal(failure.code, 'registry-unreachable');
      assert(!`${failure.message} ${failure.hint}`.includes('secret'), failure.message);
      assert.equal(elsewhere.seen[0]?.authorization, undefined);
    });

    it('are checked by the spool', async () => {
      const spool = await Spool.open(await temporaryDirectory('spool'), { retryDelayMs: 1 });
      const {
        reference,
        layer,
        client: asked,
      } = await lowest([
        at('a', (response) => {
          wrongBytes(response, { bytes: BASE.bytes, headers: {} });
        }),
      ]);
      assert.equal((await failureOf(spool.fetch(asked, reference, layer))).code, 'digest-mismatch');
      const good = { ...layer, urls: [at('b')] };
      assert.deepEqual(await readFile(await spool.fetch(asked, reference, good)), BASE.bytes);
    });
  });
});
