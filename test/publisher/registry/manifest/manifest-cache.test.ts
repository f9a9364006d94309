import { strict as assert } from 'node:assert';
import { copyFile, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ManifestFiles,
  type CachedManifest,
} from '../../../../publisher/registry/manifest/manifest-cache.ts';
import type { ImageReference } from '../../../../core/oci/reference.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { buildImage, digestOf, plainLayer } from '../../../support/registry/image.ts';
import { failureOf, quickClient } from '../../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const REFERENCE: ImageReference = {
  scheme: 'https',
  registry: 'r.example',
  repository: 'lab/tool',
  tag: '1',
  digest: undefined,
};
const ROOT = Buffer.from('{"not": "only ASCII: ä€"}');
/** All bytes there are: they come back as they were. */
const OTHER = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const REMEMBERED: CachedManifest = {
  digest: digestOf(ROOT),
  etag: { value: '"one"', url: 'https://r.example/v2/lab/tool/manifests/1' },
  documents: new Map([ROOT, OTHER].map((bytes) => [digestOf(bytes), bytes])),
};

describe('publisher/registry/manifest/manifest-cache', () => {
  let directory: string;
  let memory: ManifestFiles;

  beforeEach(async () => {
    directory = join(await temporaryDirectory('manifests'), 'manifests');
    memory = new ManifestFiles(directory);
  });

  async function filesOf(): Promise<string[]> {
    const found = await readdir(directory, { recursive: true, withFileTypes: true });
    return found.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  }

  async function soleFile(): Promise<string> {
    const [path, ...others] = await filesOf();
    assert.deepEqual(others, []);
    return path ?? '';
  }

  it('gives back what it was given, byte for byte', async () => {
    await memory.set(REFERENCE, REMEMBERED);
    assert.deepEqual(await new ManifestFiles(directory).get(REFERENCE), REMEMBERED);
    const { etag: _etag, ...withoutTag } = REMEMBERED;
    await memory.set(REFERENCE, { ...withoutTag, etag: undefined });
    assert.deepEqual(await memory.get(REFERENCE), { ...withoutTag, etag: undefined });
    await soleFile();
  });

  const OTHERS: readonly Partial<ImageReference>[] = [
    { scheme: 'http' },
    { registry: 'r.example:443' },
    { repository: 'lab/tool2' },
    { tag: '2' },
    { digest: REMEMBERED.digest },
    { tag: undefined, digest: REMEMBERED.digest },
  ];

  for (const changes of OTHERS) {
    it(`knows nothing of a reference with ${JSON.stringify(changes)}`, async () => {
      await memory.set(REFERENCE, REMEMBERED);
      assert.equal(await memory.get({ ...REFERENCE, ...changes }), undefined);
    });
  }

  it('does not take the file of another reference for its own', async () => {
    const other = { ...REFERENCE, tag: '2' };
    await memory.set(REFERENCE, REMEMBERED);
    const own = await soleFile();
    await memory.set(other, { ...REMEMBERED, digest: digestOf(OTHER) });
    const path = (await filesOf()).find((file) => file !== own) ?? '';
    await copyFile(own, path);
    assert.equal(await memory.get(other), undefined);
    assert.deepEqual(await memory.get(REFERENCE), REMEMBERED);
  });

  const DAMAGES: readonly (readonly [what: string, damage: (path: string) => Promise<unknown>])[] = [
    ['empty', async (path) => await truncate(path, 0)],
    ['cut off', async (path) => await truncate(path, 100)],
    ['full of zeros', async (path) => await writeFile(path, Buffer.alloc(1000))],
    ['something else', async (path) => await writeFile(path, '{"hello":"world"}')],
    ['null', async (path) => await writeFile(path, 'null')],
    ['a list', async (path) => await writeFile(path, '[]')],
    ['far too large', async (path) => await truncate(path, 65 * 1024 * 1024)],
    ['without documents', async (path) => await change(path, { documents: [] })],
    ['with documents that are no text', async (path) => await change(path, { documents: [1] })],
    ['with an unreadable digest', async (path) => await change(path, { digest: 'sha256:x' })],
    [
      'with a digest that no document has',
      async (path) => await change(path, { digest: digestOf(Buffer.of()) }),
    ],
    ['with a document that was changed', async (path) => await change(path, { documents: ['{"evil": 1}'] })],
    ['with an entity tag of nowhere', async (path) => await change(path, { etag: '"one"' })],
  ];

  async function change(path: string, changes: object): Promise<void> {
    const file = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...file, ...changes }));
  }

  for (const [what, damage] of DAMAGES) {
    it(`knows nothing from a file that is ${what}, and replaces it`, async () => {
      await memory.set(REFERENCE, REMEMBERED);
      await damage(await soleFile());
      assert.equal(await memory.get(REFERENCE), undefined);
      await memory.set(REFERENCE, REMEMBERED);
      assert.deepEqual(await memory.get(REFERENCE), REMEMBERED);
    });
  }

  it('gives a changed document the digest that its bytes have', async () => {
    await memory.set(REFERENCE, REMEMBERED);
    const evil = Buffer.from('{"evil": 1}');
    await change(await soleFile(), { documents: [ROOT.toString('latin1'), evil.toString('latin1')] });
    const { documents } = (await memory.get(REFERENCE)) ?? REMEMBERED;
    assert.deepEqual([...documents.keys()], [digestOf(ROOT), digestOf(evil)]);
  });

  it('does not keep what is far too large', async () => {
    const huge = Buffer.alloc(65 * 1024 * 1024, 'x');
    await memory.set(REFERENCE, { ...REMEMBERED, documents: new Map([[REMEMBERED.digest, huge]]) });
    assert.equal(await memory.get(REFERENCE), undefined);
  });

  it('can be written by many at the same time', async () => {
    const all = Array.from({ length: 50 }, (_, place) => {
      const bytes = Buffer.alloc(100_000, `document ${place}`);
      return { digest: digestOf(bytes), etag: undefined, documents: new Map([[digestOf(bytes), bytes]]) };
    });
    const memories = [memory, new ManifestFiles(directory)] as const;
    await Promise.all(
      all.map(async (one, place) => await memories[place % 2 === 0 ? 0 : 1].set(REFERENCE, one)),
    );
    const recalled = await memory.get(REFERENCE);
    assert(all.some(({ digest }) => digest === recalled?.digest));
    await soleFile();
  });

  it('is state-unusable where its directory is a file', async () => {
    await writeFile(directory, '');
    assert.equal((await failureOf(memory.get(REFERENCE))).code, 'state-unusable');
    assert.equal((await failureOf(memory.set(REFERENCE, REMEMBERED))).code, 'state-unusable');
  });

  describe('behind a client', () => {
    const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });
    const EVIL = buildImage({ layers: [plainLayer(Buffer.from('evil'))] });
    let server: FaultServer;

    beforeEach(async () => {
      server = await FaultServer.start();
      server.addImage('lab/tool', '1', IMAGE);
    });

    afterEach(async () => {
      await server.close();
    });

    it('does not lead away from a pinned digest', async () => {
      const reference = server.reference('lab/tool', { digest: IMAGE.manifestDigest });
      await memory.set(reference, {
        digest: EVIL.manifestDigest,
        etag: undefined,
        documents: new Map([[EVIL.manifestDigest, EVIL.manifest]]),
      });
      const client = quickClient({ manifestCache: memory });
      const manifest = await client.fetchManifest(reference);
      await client.close();
      assert.deepEqual(manifest.bytes, IMAGE.manifest);
      assert.equal(server.seen.length, 1);
    });

    it('serves two clients that read the same at the same time', async () => {
      const clients = [
        quickClient({ manifestCache: memory }),
        quickClient({ manifestCache: new ManifestFiles(directory) }),
      ];
      const reference = server.reference('lab/tool', { tag: '1' });
      const read = async (): Promise<string[]> => {
        const work = clients.flatMap((client) =>
          Array.from({ length: 10 }, () => client.fetchManifest(reference)),
        );
        return (await Promise.all(work)).map(({ digest }) => digest);
      };
      assert.deepEqual(new Set(await read()), new Set([IMAGE.manifestDigest]));
      server.takeRequests();
      assert.deepEqual(new Set(await read()), new Set([IMAGE.manifestDigest]));
      assert.deepEqual(new Set(server.takeRequests()), new Set(['HEAD /v2/lab/tool/manifests/1']));
      await Promise.all(clients.map(async (client) => await client.close()));
      await soleFile();
    });
  });
});
