import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerRoot } from '../../publisher/image/layout.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { descriptorOf, jsonBlob } from '../support/images/blob.ts';
import { image, type Image } from '../support/images/image.ts';
import { file, hardLink } from '../support/images/layer-entry.ts';
import { layer, type Layer } from '../support/images/layer.ts';

const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';

describe('e2e/strangers', () => {
  let registry: TestRegistry;
  let site: Site;
  let base: Layer;
  let evil: Layer;
  let top: Layer;
  let good: string;
  let goodImage: Image;
  before(async () => {
    registry = await TestRegistry.start();
    base = await layer([file('sh', 'good')]);
    evil = await layer([file('sh', 'evil')]);
    top = await layer([file('own', 'own'), hardLink('bash', 'sh')]);
    goodImage = image({ layers: [base, top] });
    good = registry.add('lab/good', '1', goodImage);
  });
  beforeEach(async () => {
    site = await Site.make('directory');
  });
  after(async () => {
    await registry.close();
  });

  /** The manifest of the good image with other layers, and what their descriptors say. */
  function withLayers(layers: readonly Layer[], more: Readonly<Record<number, object>> = {}): Image {
    const document = JSON.parse(goodImage.manifest.bytes.toString()) as { mediaType: string; config: object };
    const descriptors = layers.map((one, index) => ({ ...descriptorOf(one), ...more[index] }));
    const manifest = jsonBlob(document.mediaType, { ...document, layers: descriptors });
    return { ...goodImage, manifest, layers, blobs: [...goodImage.blobs, ...layers] };
  }

  function contentAt(wish: string, path: string): string | undefined {
    const at = site.path(join(wish.replace('http://', ''), path));
    return existsSync(at) ? readFileSync(at, 'utf8') : undefined;
  }

  function inLayer({ digest }: { readonly digest: Digest }, path: string): boolean {
    return existsSync(site.path(join(layerRoot(digest), path)));
  }

  for (const first of ['the stranger', 'the good one']) {
    it(`gives nobody the stranger’s file by a hard link to what is below, where ${first} comes first`, async () => {
      const strangers = registry.add('lab/evil', 'links', image({ layers: [evil, top] }));
      for (const wish of first === 'the stranger' ? [strangers, good] : [good, strangers]) {
        const { status, stderr } = await site.convertHere([wish]);
        assert.equal(status, 0, stderr);
        assert.match(stderr, /^warning: .*overlay mounts of \.layers .*\(bash\)$/m);
      }
      assert.deepEqual([contentAt(good, 'bash'), contentAt(strangers, 'bash')], ['good', 'evil']);
      assert.deepEqual([inLayer(top, 'own'), inLayer(top, 'bash')], [true, false]);
    });

    it(`takes no layer from the good image that the stranger says nobody distributes, where ${first} comes first`, async () => {
      const lacking = withLayers([base, top], { 1: { mediaType: FOREIGN } });
      const strangers = registry.add('lab/evil', 'lacking', lacking);
      const skip = ['--foreign-layers', 'skip'];
      for (const wish of first === 'the stranger' ? [strangers, good] : [good, strangers]) {
        const { status, stderr } = await site.convertHere([wish], skip);
        assert.equal(status, 0, stderr);
      }
      assert.equal((await site.convertHere([strangers], [...skip, '--convert-again'])).status, 0);
      assert.equal(contentAt(good, 'own'), 'own');
      assert.deepEqual([contentAt(strangers, 'sh'), contentAt(strangers, 'own')], ['good', undefined]);
    });

    it(`puts no other layers below the good image’s config, where ${first} comes first`, async () => {
      const own = registry.add('lab/evil', 'own', image({ layers: [evil] }));
      const claiming = registry.add('lab/evil', 'claiming', withLayers([evil, top]));
      const twice = registry.add('lab/evil', 'twice', withLayers([evil, evil]));
      const strangers = [own, claiming, twice];
      const both = first === 'the stranger' ? [strangers, [good]] : [[good], strangers];
      const errors: string[] = [];
      for (const wishes of both) errors.push((await site.convertHere(wishes)).stderr);
      assert.equal(errors.join('').match(/^error\[digest-mismatch\]/gm)?.length, 2);
      assert.deepEqual([contentAt(good, 'sh'), contentAt(own, 'sh')], ['good', 'evil']);
      assert.deepEqual([contentAt(claiming, 'sh'), contentAt(twice, 'sh')], [undefined, undefined]);
    });

    it(`says of the good image’s layers what they are, where ${first} comes first`, async () => {
      const mediaType = 'application/vnd.oci.image.layer.v1.tar+zstd';
      const named = registry.add(
        'lab/evil',
        'named',
        withLayers([base, top], { 0: { mediaType }, 1: { mediaType } }),
      );
      for (const wish of first === 'the stranger' ? [named, good] : [good, named])
        assert.equal((await site.convertHere([wish])).status, 0);
      const listed = JSON.parse(
        readFileSync(site.path('podmanStore/overlay-layers/layers.json'), 'utf8'),
      ) as {
        compression: number;
        created: string;
      }[];
      assert.deepEqual(
        listed.map(({ compression, created }) => [compression, created]),
        [
          [2, '1970-01-01T00:00:00.000Z'],
          [2, '1970-01-01T00:00:00.000Z'],
        ],
      );
    });
  }
});
