import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { Spool } from '../../../publisher/spool/spool.ts';
import { parseReference } from '../../../wishlist/reference.ts';
import { needs } from '../../support/programs.ts';
import { startDockerRegistry } from '../../support/registry/docker-registry.ts';
import { plainLayer } from '../../support/registry/image.ts';
import { pushImage } from '../../support/registry/push.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('registry/client with docker-registry', () => {
  it('reads what was pushed', async function () {
    needs(this, 'docker-registry');
    const registry = await startDockerRegistry();
    const client = quickClient();
    try {
      const layers = [plainLayer(Buffer.alloc(3_000_000, 'a')), plainLayer(Buffer.from('b'))];
      const image = await pushImage(registry.host, 'lab/tool', '1.0', {
        layers,
        config: { config: { Cmd: ['x'] } },
      });
      await pushImage(registry.host, 'lab/tool', '2.0', { layers: [] });
      const reference = parseReference(`http://${registry.host}/lab/tool:1.0`);
      assert.deepEqual((await client.listTags(reference)).sort(), ['1.0', '2.0']);
      const manifest = await client.fetchManifest(reference);
      assert.deepEqual(manifest.bytes, image.manifest);
      assert.deepEqual((await client.fetchConfig(reference, manifest)).cmd, ['x']);
      const pinned = parseReference(`http://${registry.host}/lab/tool@${image.manifestDigest}`);
      assert.equal((await client.fetchManifest(pinned)).digest, image.manifestDigest);
      const spool = await Spool.open(await temporaryDirectory('spool'));
      const paths = await Promise.all(manifest.layers.map((layer) => spool.fetch(client, reference, layer)));
      assert.deepEqual(
        await Promise.all(paths.map((path) => readFile(path))),
        layers.map(({ bytes }) => bytes),
      );
      assert.equal((await failureOf(client.fetchManifest({ ...reference, tag: '3.0' }))).code, 'tag-unknown');
      const unknown = parseReference(`http://${registry.host}/lab/unknown:1`);
      assert.equal((await failureOf(client.listTags(unknown))).code, 'image-unknown');
    } finally {
      await client.close();
      await registry.close();
    }
  });
});
