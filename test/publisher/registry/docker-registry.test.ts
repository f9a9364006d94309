import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { describeWith } from '../../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../../support/registry/docker-registry.ts';
import { plainLayer } from '../../support/registry/image.ts';
import { deleteManifest, pushImage, pushTags } from '../../support/registry/push.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describeWith(['docker-registry'], 'publisher/registry/docker-registry', () => {
  let registry: DockerRegistry;
  let client: RegistryClient;

  beforeEach(async () => {
    registry = await startDockerRegistry();
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await registry.close();
  });

  function referenceTo(version: string, { host } = registry): ImageReference {
    return parseReference(`http://${host}/${version}`);
  }

  it('reads what was pushed', async () => {
    const layers = [plainLayer(Buffer.alloc(3_000_000, 'a')), plainLayer(Buffer.from('b'))];
    const config = { config: { Cmd: ['x'] } };
    const image = await pushImage(registry.host, 'lab/tool', '1.0', { layers, config });
    await pushImage(registry.host, 'lab/tool', '2.0', { layers: [] });
    const reference = referenceTo('lab/tool:1.0');
    assert.deepEqual([...(await client.listTags(reference)).tags].sort(), ['1.0', '2.0']);
    const manifest = await client.fetchManifest(reference);
    assert.deepEqual(manifest.bytes, image.manifest);
    assert.deepEqual((await client.fetchConfig(reference, manifest)).cmd, ['x']);
    const pinned = referenceTo(`lab/tool@${image.manifestDigest}`);
    assert.equal((await client.fetchManifest(pinned)).digest, image.manifestDigest);
    const spool = await Spool.open(await temporaryDirectory('spool'));
    const paths = await Promise.all(manifest.layers.map((layer) => spool.fetch(client, reference, layer)));
    assert.deepEqual(
      await Promise.all(paths.map((path) => readFile(path))),
      layers.map(({ bytes }) => bytes),
    );
  });

  it('tells unknown tags from unknown images', async () => {
    await pushImage(registry.host, 'lab/tool', '1.0', { layers: [] });
    const unknownTag = await failureOf(client.fetchManifest(referenceTo('lab/tool:3.0')));
    assert.equal(unknownTag.code, 'tag-unknown');
    const unknown = await failureOf(client.listTags(referenceTo('lab/unknown:1')));
    assert.equal(unknown.code, 'image-unknown');
  });

  it('notices that a tag was deleted between two polls', async () => {
    const image = await pushImage(registry.host, 'lab/tool', 'old', { layers: [] });
    const kept = await pushImage(registry.host, 'lab/tool', 'kept', {
      layers: [plainLayer(Buffer.from('a'))],
    });
    const poll = async (): Promise<string> =>
      (await client.fetchManifest(referenceTo('lab/tool:old'))).digest;
    assert.equal(await poll(), image.manifestDigest);
    await deleteManifest(registry.host, 'lab/tool', image.manifestDigest);
    assert.equal((await failureOf(poll())).code, 'tag-unknown');
    assert.deepEqual((await client.listTags(referenceTo('lab/tool'))).tags, ['kept']);
    // The list is null then, and no error.
    await deleteManifest(registry.host, 'lab/tool', kept.manifestDigest);
    assert.deepEqual((await client.listTags(referenceTo('lab/tool'))).tags, []);
  });

  it('lists 1,000 tags, and 1,200: all at once, in no order', async () => {
    const tags = Array.from({ length: 1200 }, (_, index) => `1.${index}`);
    const image = await pushImage(registry.host, 'lab/tool', '1.0', { layers: [] });
    await pushTags(registry.host, 'lab/tool', tags.slice(0, 1000), image);
    // This version looks at neither n nor last: so many tags may be a page of another's.
    const first = await client.listTags(referenceTo('lab/tool'));
    assert.deepEqual([new Set(first.tags), first.isWhole], [new Set(tags.slice(0, 1000)), false]);
    await pushTags(registry.host, 'lab/tool', tags.slice(1000), image);
    const { tags: listed, isWhole } = await client.listTags(referenceTo('lab/tool'));
    assert.deepEqual([listed.length, isWhole], [1200, true]);
    assert.deepEqual(new Set(listed), new Set(tags));
  });

  describe('as a pull-through cache', () => {
    let cache: DockerRegistry;

    beforeEach(async () => {
      cache = await startDockerRegistry({ proxyOf: `http://${registry.host}` });
    });

    afterEach(async () => {
      await cache.close();
    });

    it('reads what the other registry has', async () => {
      const layer = plainLayer(Buffer.alloc(3_000_000, 'a'));
      const image = await pushImage(registry.host, 'lab/tool', '1.0', { layers: [layer] });
      const reference = referenceTo('lab/tool:1.0', cache);
      const manifest = await client.fetchManifest(reference);
      assert.deepEqual(manifest.bytes, image.manifest);
      assert.deepEqual((await client.fetchConfig(reference, manifest)).diffIds, [layer.diffId]);
      const [descriptor] = manifest.layers;
      assert(descriptor !== undefined);
      assert.deepEqual(await collect(await client.openBlob(reference, descriptor)), layer.bytes);
      await pushImage(registry.host, 'lab/tool', '2.0', { layers: [] });
      assert.deepEqual([...(await client.listTags(reference)).tags].sort(), ['1.0', '2.0']);
    });

    it('follows a tag that moves', async () => {
      const old = await pushImage(registry.host, 'lab/tool', '1.0', { layers: [] });
      const poll = async (): Promise<string> =>
        (await client.fetchManifest(referenceTo('lab/tool:1.0', cache))).digest;
      assert.equal(await poll(), old.manifestDigest);
      const parts = { layers: [plainLayer(Buffer.from('new'))] };
      const { manifestDigest } = await pushImage(registry.host, 'lab/tool', '1.0', parts);
      assert.equal(await poll(), manifestDigest);
    });

    it('tells unknown tags from unknown images', async () => {
      await pushImage(registry.host, 'lab/tool', '1.0', { layers: [] });
      const unknownTag = await failureOf(client.fetchManifest(referenceTo('lab/tool:3.0', cache)));
      assert.equal(unknownTag.code, 'tag-unknown');
      const unknown = await failureOf(client.listTags(referenceTo('lab/unknown:1', cache)));
      assert.equal(unknown.code, 'image-unknown');
    });
  });
});
