import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, SyntheticRepository } from '../publisher/collection/synthetic-repository.ts';
import { measure, type Measurement } from './measure.ts';
import type { Row } from './report.ts';
import { unpackd } from './unpackd.ts';

const IMAGES = 5000;
const REMOVED = 2000;
const LAYERS = 12;
/** Of each image: those that it shares with a hundred others. */
const SHARED_LAYERS = 4;
const FAMILIES = 100;
const MOST_SECONDS = 60;
const MOST_BYTES = 300e6;

/** A collection of 5,000 images with a podman store, of which 2,000 were taken back: found, and taken away. */
export async function benchCollection(folder: string): Promise<Row[]> {
  const work = mkdtempSync(join(folder, 'collection-'));
  const repository = new SyntheticRepository(work);
  const images = Array.from({ length: IMAGES }, (_, index) =>
    repository.image(
      nameOf(index),
      Array.from({ length: LAYERS }, (_place, place) => layerOf(index, place)),
    ),
  );
  repository.store();
  for (let index = 0; index < REMOVED; index++) repository.remove(nameOf(index));
  const run = async (...words: readonly string[]): Promise<Measurement> =>
    await measure(unpackd('gc', REPOSITORY, '--root', work, '--state', join(work, 'state'), ...words));
  const left = new Set(images.slice(REMOVED).flatMap(({ trees }) => trees));
  const lost = new Set(images.flatMap(({ trees }) => trees)).size - left.size;
  const rows: [what: string, measurement: Measurement][] = [
    [`${lost} trees marked`, await run()],
    ['nothing to do', await run()],
    [`${lost} trees taken away`, await run('--grace-period', '0')],
  ];
  assert.deepEqual(repository.trees().sort(), [...left].sort());
  return rows.map(([what, measurement]) => {
    const isGood = measurement.seconds < MOST_SECONDS && measurement.peakBytes < MOST_BYTES;
    return {
      job: `gc of ${IMAGES} images, ${what}`,
      program: 'unpackd',
      measurement,
      note: `aim: ${MOST_SECONDS} s and ${MOST_BYTES / 1e6} MB${isGood ? '' : ', MISSED'}`,
    };
  });
}

function nameOf(index: number): string {
  return `quay.io/group-${index % 50}/image-${index}:1.0`;
}

function layerOf(image: number, place: number): string {
  return `${place} of ${place < SHARED_LAYERS ? `family ${image % FAMILIES}` : `image ${image}`}`;
}
