import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../support/programs.ts';
import { measure, median, type Measurement } from './measure.ts';
import type { Row } from './report.ts';
import { unpackd, writeRecipe } from './unpackd.ts';

const RUNS = 3;

/** Each image from a registry into a usable tree on a plain directory, from nothing. */
export async function benchDirectory(folder: string, images: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const image of images) {
    const job = `directory: ${image.replace(/^.*?\/\/[^/]*\//, '')}`;
    rows.push({ job, program: 'unpackd', measurement: await fresh(folder, (work) => publish(work, image)) });
    if (findProgram('podman') !== undefined) {
      rows.push({
        job,
        program: 'podman pull',
        measurement: await fresh(folder, (work) => pull(work, image)),
      });
    }
    if (findProgram('skopeo') !== undefined && findProgram('umoci') !== undefined) {
      const measurement = await fresh(folder, (work) => copyAndUnpack(work, image));
      rows.push({ job, program: 'skopeo + umoci', measurement });
    }
  }
  return rows;
}

/** Each run gets a folder of its own, and nothing is removed meanwhile: ext4 is slow to create after many removals. */
async function fresh(folder: string, once: (work: string) => Promise<Measurement>): Promise<Measurement> {
  return await median(RUNS, async () => await once(mkdtempSync(join(folder, 'run-'))));
}

async function publish(work: string, image: string): Promise<Measurement> {
  const recipe = writeRecipe(work, 'bench.local', [image]);
  return await measure(
    unpackd('convert', recipe, '--root', join(work, 'root'), '--state', join(work, 'state')),
  );
}

async function pull(work: string, image: string): Promise<Measurement> {
  const configuration = join(work, 'storage.conf');
  const [graph, run] = [join(work, 'graph'), join(work, 'run')];
  writeFileSync(configuration, `[storage]\ndriver = "overlay"\ngraphroot = "${graph}"\nrunroot = "${run}"\n`);
  const words = ['pull', '--quiet', '--tls-verify=false', image.replace(/^.*?:\/\//, '')];
  const result = await measure(['podman', ...words], { CONTAINERS_STORAGE_CONF: configuration });
  // Podman keeps a mount of its own graph, which would be in the way of its removal.
  await measure(['sh', '-c', `umount -l '${join(graph, 'overlay')}' 2>/dev/null; true`]);
  return result;
}

async function copyAndUnpack(work: string, image: string): Promise<Measurement> {
  const layout = join(work, 'layout');
  const source = `docker://${image.replace(/^.*?:\/\//, '')}`;
  const copied = await measure([
    'skopeo',
    'copy',
    '--quiet',
    '--src-tls-verify=false',
    source,
    `oci:${layout}:image`,
  ]);
  const unpacked = await measure([
    'umoci',
    'raw',
    'unpack',
    '--image',
    `${layout}:image`,
    join(work, 'bundle'),
  ]);
  return {
    seconds: copied.seconds + unpacked.seconds,
    peakBytes: Math.max(copied.peakBytes, unpacked.peakBytes),
  };
}
