import assert from 'node:assert/strict';
import { formatReference } from '../../../core/oci/reference.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { drip } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { PublishingBench } from '../../support/registry/publishing-bench.ts';

describe('publisher/pipeline/slow-strangers', () => {
  it('and drips it keeps the good image waiting for a moment', async () => {
    const [good, slow] = [await FaultServer.start(), await FaultServer.start()];
    const { bytes } = await layer([file('good', 'good')], { compression: 'plain' });
    const image = buildImage({ layers: [plainLayer(bytes)] });
    for (const server of [good, slow]) server.addImage('lab/tool', '1', image);
    const digest = [...image.blobs.keys()].at(-1) ?? '';
    slow.fail(new RegExp(digest), drip());
    const bench = await PublishingBench.make({ spool: { patienceMs: 50 } });
    try {
      const [stranger, own] = [slow, good].map((server) => server.reference('lab/tool', { tag: '1' }));
      assert(stranger !== undefined && own !== undefined);
      const dripping = bench.publish([stranger]);
      dripping.catch(() => undefined);
      while (!slow.paths.some((path) => path.includes(digest)))
        await new Promise((resolve) => setTimeout(resolve, 5));
      const publishing = bench.publish([own]);
      publishing.catch(() => undefined);
      await bench.until(own);
      assert.deepEqual(bench.ended, [`${formatReference(own)} published`]);
    } finally {
      await bench.close();
      await good.close();
      await slow.close();
    }
  });
});
