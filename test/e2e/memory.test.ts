import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { image } from '../support/images/image.ts';
import { file, type LayerEntry } from '../support/images/layer-entry.ts';
import { layerInFile } from '../support/images/layer.ts';
import { temporaryDirectory } from '../support/setup.ts';

const MIB = 1024 * 1024;

/** Made while it is written: a layer of so many files, each of 10 MiB. */
function* largeFiles(count: number): Generator<LayerEntry> {
  const content = Buffer.alloc(10 * MIB);
  for (let index = 0; index < count; index++) {
    for (let at = 0; at < content.length; at += 4096) content.writeUInt32LE(index * 7919 + at, at);
    yield file(`large-${index}`, content);
  }
}

describe('e2e/memory', () => {
  it('needs less than 300 MB for an image of 300 MB and more', async function () {
    const folder = await temporaryDirectory('large');
    const plain = await layerInFile(join(folder, 'plain'), largeFiles(30), { compression: 'plain' });
    const gzip = await layerInFile(join(folder, 'gzip'), largeFiles(12), { compression: 'gzip' });
    const registry = await TestRegistry.start();
    try {
      const wish = registry.add('lab/large', '1', image({ layers: [plain, gzip] }));
      const site = await Site.make('directory');
      const { status, stderr, peakBytes } = await site.convert([wish]);
      assert.equal(status, 0, stderr);
      assert.equal(statSync(site.path(`${registry.host}/lab/large:1/large-29`)).size, 10 * MIB);
      assert.ok(peakBytes > 30e6, `${peakBytes} bytes cannot be`);
      assert.ok(peakBytes < 300e6, `${Math.round(peakBytes / 1e6)} MB`);
    } finally {
      await registry.close();
    }
  });
});
