import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { serveImages } from '../../support/images/read-only-registry.ts';
import type { ImageStore } from '../../support/images/store.ts';
import { runUnpackd, writeRecipe } from '../contenders/unpackd.ts';
import { buildHugeLayer, buildManyFiles } from '../images/large.ts';
import { aimNote } from '../aims.ts';
import type { Bench, Row, Scenario } from '../scenario.ts';
import { removeAll } from '../remove-all.ts';

const FILES = 1_000_000;
const LAYER_BYTES = 10e9;
/** One file of half the layer's size, and four others. */
const SHARES = [2, 8, 8, 8, 8];
const MOST_MEGABYTES = 300;

/** Peak memory for images that are large in one way or the other, in all forms of publication. */
export const memory: Scenario = {
  name: 'memory',
  summary: 'memory for an image of a million files, and for a layer of 10 GB',
  run: async (bench) => {
    const [files, layerBytes] = [bench.scaled(FILES), bench.scaled(LAYER_BYTES)];
    const sizes = SHARES.map((share) => layerBytes / share);
    return [
      await publish(bench, `image of ${files} files`, async (work) => await buildManyFiles(work, files)),
      await publish(
        bench,
        `layer of ${layerBytes / 1e9} GB`,
        async (work) => await buildHugeLayer(work, sizes),
      ),
    ];
  },
};

async function publish(
  { folder, gauge }: Bench,
  job: string,
  build: (work: string) => Promise<ImageStore>,
): Promise<Row> {
  const work = mkdtempSync(join(folder, 'memory-'));
  const store = await build(work);
  const [repository = ''] = store.repositories();
  const registry = await serveImages(store);
  try {
    const recipe = writeRecipe(work, 'bench.local', [`http://${registry.host}/${repository}:1`]);
    const places = ['--root', join(work, 'root'), '--state', join(work, 'state')];
    const { measurement } = await runUnpackd(gauge, ['convert', recipe, ...places]);
    const note = aimNote('MB', measurement.peakBytes / 1e6, MOST_MEGABYTES);
    return { job: `directory: ${job}`, program: 'unpackd', runs: [measurement], note };
  } finally {
    await registry.close();
    removeAll(work);
  }
}
