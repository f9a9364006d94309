import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serveImages } from '../support/images/read-only-registry.ts';
import { benchCollection } from './collection.ts';
import { benchCvmfs } from './cvmfs.ts';
import { benchDirectory } from './directory.ts';
import { buildBenchImages } from './images.ts';
import { benchMemory } from './memory.ts';
import { benchPolls } from './polls.ts';
import { benchPlanning } from './planning.ts';
import { benchPodmanStore } from './podman-store.ts';
import { formatReport, type Row } from './report.ts';

/**
 * Compares unpackd with the programs that do the same job, in one run on one machine: see ratios, not seconds.
 *
 *   npm run bench                                      images of its own, into plain directories; a cycle over 10,000 tags; a large plan;
 *                                                      a podman store of 5,000 images; a collection of 5,000 images; peak memory for an image of a million files and for
 *                                                      a layer of 10 GB
 *   npm run bench -- [--files NUMBER] [--layer-bytes NUMBER]   the same with such an image and layer
 *   npm run bench -- --image URL… [--batch URL… --update URL --repository NAME…]
 *
 * `--repository` names existing, empty repositories of this release manager: the batch is published in the first, its
 * stream recorded in the second, ingested from a file in the third, and published by DUCC in the fourth if there is one.
 * `--folder` is where everything is written (15 GB, and 4 million names), the folder for temporary files by default.
 */
const { values } = parseArgs({
  options: {
    image: { type: 'string', multiple: true, default: [] },
    batch: { type: 'string', multiple: true, default: [] },
    update: { type: 'string' },
    repository: { type: 'string', multiple: true, default: [] },
    files: { type: 'string', default: '1000000' },
    'layer-bytes': { type: 'string', default: '10000000000' },
    folder: { type: 'string', default: tmpdir() },
  },
});

const folder = mkdtempSync(join(values.folder, 'unpackd-bench-'));
try {
  const rows: Row[] = [];
  if (values.image.length > 0) rows.push(...(await benchDirectory(folder, values.image)));
  else if (values.batch.length === 0) {
    rows.push(
      ...(await benchOwnImages()),
      ...(await benchPolls(folder)),
      ...(await benchPlanning()),
      ...(await benchPodmanStore(folder)),
      ...(await benchCollection(folder)),
    );
    const sizes = { files: Number(values.files), layerBytes: Number(values['layer-bytes']) };
    rows.push(...(await benchMemory(folder, sizes)));
  }
  rows.push(
    ...(await benchCvmfs({
      folder,
      batch: values.batch,
      update: values.update,
      repositories: values.repository,
    })),
  );
  process.stdout.write(formatReport(rows));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function benchOwnImages(): Promise<Row[]> {
  const registry = await serveImages(await buildBenchImages(join(folder, 'images')));
  try {
    return await benchDirectory(folder, [`http://${registry.host}/bench/system:1`]);
  } finally {
    await registry.close();
  }
}
