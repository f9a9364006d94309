import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAYER_TABLES } from '../publisher/layer-cases/cases.ts';
import { blobsOf } from '../publisher/layer-cases/image-of.ts';
import { ALL_CASES } from '../publisher/tree/cases.ts';

/** Larger inputs teach the fuzzer nothing that smaller ones do not, and slow it down. */
const MOST_BYTES = 16 * 1024;

/** Writes the layers of all cases into `folder`, as they are compressed and as plain archives, a file for each. */
export async function writeSeeds(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const cases = LAYER_TABLES.flatMap(({ cases: all }) => all);
  const stacks = ALL_CASES.map(({ stack }) => stack);
  const blobs = [];
  for (const { layers, compress } of cases) blobs.push(...(await blobsOf(layers, compress)));
  for (const layers of [...cases.map((one) => one.layers), ...stacks])
    blobs.push(...(await blobsOf(layers, (archive) => archive)));
  const small = new Map(
    blobs.filter(({ bytes }) => bytes.length <= MOST_BYTES).map((blob) => [blob.digest, blob.bytes]),
  );
  for (const [digest, bytes] of small) await writeFile(join(folder, digest.slice('sha256:'.length)), bytes);
  return small.size;
}
