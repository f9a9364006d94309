import assert from 'node:assert/strict';
import { Results } from '../../../publisher/image/results.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { PublishingBench, wantedOf } from '../../support/registry/publishing-bench.ts';
import { heldBytes } from '../heap.ts';

const TAGS = 12;
/** Within what is read. */
const MANIFEST_BYTES = 3_500_000;
const LAYERS = 10_000;

describe('publisher/registry/registry-memory', () => {
  let registry: FaultServer;
  let bench: PublishingBench;
  before(async () => {
    registry = await FaultServer.start();
    const { bytes } = await layer([file('tool', 'x')], { compression: 'plain' });
    const { manifest, blobs } = buildImage({ layers: [plainLayer(bytes)] });
    for (const [digest, blob] of blobs) registry.blobs.set(digest, blob);
    const document: unknown = JSON.parse(manifest.toString());
    for (let tag = 0; tag < TAGS; tag++) {
      const annotations = { padding: `${tag}`.padEnd(MANIFEST_BYTES, 'x') };
      const padded = JSON.stringify(Object.assign({}, document, { annotations }));
      registry.addManifest('lab/tool', `${tag}`, padded);
    }
    bench = await PublishingBench.make();
  });
  after(async () => {
    await bench.close();
    await registry.close();
  });

  it('is no document, until they are published', async () => {
    const references = Array.from({ length: TAGS }, (_, tag) =>
      registry.reference('lab/tool', { tag: `${tag}` }),
    );
    const wanted = references.map(wantedOf);
    const before = heldBytes();
    const pass = await bench.publisher.resolve(wanted, new Results(wanted, () => undefined));
    const held = heldBytes() - before;
    assert.equal(pass.candidates.length, TAGS);
    assert.ok(held < MANIFEST_BYTES, `${held} bytes are held for ${TAGS} manifests of ${MANIFEST_BYTES}`);
    await bench.publisher.publishImages(pass, () => '');
    assert.equal(registry.takeRequests().filter((line) => line.includes('/blobs/')).length > 0, true);
  });

  it('is none of the thousands of layers that an image may not have', async () => {
    const layers = Array.from({ length: LAYERS }, (_, index) => plainLayer(Buffer.from(`${index}`)));
    const { manifest } = buildImage({ layers });
    const document: unknown = JSON.parse(manifest.toString());
    for (let tag = 0; tag < TAGS; tag++)
      registry.addManifest(
        'lab/many',
        `${tag}`,
        JSON.stringify(Object.assign({}, document, { annotations: { tag: `${tag}` } })),
      );
    const small = await PublishingBench.make({ imageLimits: { layers: LAYERS - 1 } });
    try {
      const wanted = Array.from({ length: TAGS }, (_, tag) =>
        wantedOf(registry.reference('lab/many', { tag: `${tag}` })),
      );
      const before = heldBytes();
      const pass = await small.publisher.resolve(wanted, new Results(wanted, () => undefined));
      const held = heldBytes() - before;
      assert.deepEqual([pass.candidates.length, pass.resolved.size], [0, TAGS]);
      assert.ok(held < TAGS * LAYERS * 50, `${held} bytes are held of ${TAGS} images of ${LAYERS} layers`);
    } finally {
      await small.close();
    }
  });
});
