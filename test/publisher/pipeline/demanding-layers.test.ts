import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatReference } from '../../../core/oci/reference.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { stallAfter } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { PublishingBench } from '../../support/registry/publishing-bench.ts';

const MANY = 4_000;

describe('publisher/pipeline/demanding-layers', () => {
  let registry: FaultServer;
  beforeEach(async () => {
    registry = await FaultServer.start();
  });
  afterEach(async () => await registry.close());

  it('is given up while it is fetched, as soon as that shows', async () => {
    const entries = Array.from({ length: MANY }, (_, index) => file(`f${index}`, 'x'));
    const { bytes } = await layer(entries, { compression: 'plain' });
    registry.addImage('lab/bomb', '1', buildImage({ layers: [plainLayer(bytes)] }));
    // The rest never comes, so that whoever waits for it waits for the time limit of the connection.
    registry.fail(/GET .*\/blobs\//, stallAfter(bytes.length - 1));
    const bench = await PublishingBench.make({ limits: { entries: MANY / 4 } });
    try {
      const reference = registry.reference('lab/bomb', { tag: '1' });
      await bench.publish([reference]);
      assert.deepEqual(bench.ended, [`${formatReference(reference)} layer-refused`]);
      assert.match(
        bench.messages.get(formatReference(reference)) ?? '',
        /^layer sha256:.* over the limit of 1000$/,
      );
      assert.deepEqual(await readdir(join(bench.spool.directory, 'tmp')), []);
    } finally {
      await bench.close();
    }
  });
});
