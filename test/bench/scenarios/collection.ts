import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, SyntheticRepository } from '../../publisher/collection/synthetic-repository.ts';
import { runUnpackd } from '../contenders/unpackd.ts';
import type { Measurement } from '../measure.ts';
import { aimNote } from '../aims.ts';
import type { Bench, Row, Scenario } from '../scenario.ts';

const IMAGES = 5000;
const REMOVED = 2000;
const LAYERS = 12;
/** Of each image: those that it shares with a hundred others. */
const SHARED_LAYERS = 4;
const FAMILIES = 100;
const MOST_SECONDS = 60;
const MOST_MEGABYTES = 300;

/** A collection of 5,000 images with a podman store, of which 2,000 were taken back: found, and taken away. */
export const collection: Scenario = {
  name: 'collection',
  summary: `gc of a repository of ${IMAGES} images, of which ${REMOVED} were taken back`,
  run: collect,
};

async function collect({ gauge, folder, scaled }: Bench): Promise<Row[]> {
  const work = mkdtempSync(join(folder, 'collection-'));
  const repository = new SyntheticRepository(work);
  const [published, removed] = [scaled(IMAGES), scaled(REMOVED)];
  const images = Array.from({ length: published }, (_, index) =>
    repository.image(
      nameOf(index),
      Array.from({ length: LAYERS }, (_place, place) => layerOf(index, place)),
    ),
  );
  repository.store();
  for (let index = 0; index < removed; index++) repository.remove(nameOf(index));
  const left = new Set(images.slice(removed).flatMap(({ trees }) => trees));
  const lost = new Set(images.flatMap(({ trees }) => trees)).size - left.size;
  const run = async (what: string, ...words: readonly string[]): Promise<Row> => {
    const places = ['--root', work, '--state', join(work, 'state')];
    const { measurement } = await runUnpackd(gauge, ['gc', REPOSITORY, ...places, ...words]);
    return rowOf(`gc of ${published} images, ${what}`, measurement);
  };
  const rows = [
    await run(`${lost} trees marked`),
    await run('nothing to do'),
    await run(`${lost} trees taken away`, '--grace-period', '0'),
  ];
  assert.deepEqual(repository.trees().sort(), [...left].sort());
  return rows;
}

function rowOf(job: string, measurement: Measurement): Row {
  const { seconds, peakBytes } = measurement;
  const note = `${aimNote('seconds', seconds, MOST_SECONDS)}; ${aimNote('MB', peakBytes / 1e6, MOST_MEGABYTES)}`;
  return { job, program: 'unpackd', runs: [measurement], note };
}

function nameOf(index: number): string {
  return `quay.io/group-${index % 50}/image-${index}:1.0`;
}

function layerOf(image: number, place: number): string {
  return `${place} of ${place < SHARED_LAYERS ? `family ${image % FAMILIES}` : `image ${image}`}`;
}
