import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { serveImages } from '../support/images/read-only-registry.ts';
import type { ImageStore } from '../support/images/store.ts';
import { buildHugeLayer, buildManyFiles } from './large-images.ts';
import { measure } from './measure.ts';
import type { Row } from './report.ts';
import { unpackd, writeRecipe } from './unpackd.ts';

const MAXIMUM_BYTES = 300e6;

export interface MemoryBench {
  /** Of an image with many files. */
  readonly files: number;
  /** Of an image with one large layer. */
  readonly layerBytes: number;
}

/** Peak memory for images that are large in one way or the other, in all forms of publication. */
export async function benchMemory(folder: string, { files, layerBytes }: MemoryBench): Promise<Row[]> {
  return [
    await bench(folder, `image of ${files} files`, async (work) => await buildManyFiles(work, files)),
    await bench(
      folder,
      `layer of ${layerBytes / 1e9} GB`,
      async (work) => await buildHugeLayer(work, layerBytes),
    ),
  ];
}

async function bench(
  folder: string,
  job: string,
  build: (work: string) => Promise<ImageStore>,
): Promise<Row> {
  const work = mkdtempSync(join(folder, 'memory-'));
  const store = await build(work);
  const [repository = ''] = store.repositories();
  const registry = await serveImages(store);
  try {
    const recipe = writeRecipe(work, 'bench.local', [`http://${registry.host}/${repository}:1`]);
    const measurement = await measure(
      unpackd('convert', recipe, '--root', join(work, 'root'), '--state', join(work, 'state')),
    );
    const isGood = measurement.peakBytes < MAXIMUM_BYTES;
    const note = `aim: ${MAXIMUM_BYTES / 1e6} MB${isGood ? '' : ', MISSED'}`;
    return { job: `directory: ${job}`, program: 'unpackd', measurement, note };
  } finally {
    await registry.close();
    // For millions of names that takes much less than Node's own.
    spawnSync('rm', ['-rf', work]);
  }
}
