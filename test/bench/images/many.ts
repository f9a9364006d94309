import { randomBytes } from 'node:crypto';
import { image } from '../../support/images/image.ts';
import { directory, file, type LayerEntry } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { ImageStore } from '../../support/images/store.ts';
import type { BuiltImages } from '../publications.ts';
import type { Bench } from '../scenario.ts';

const LAYERS = 60;
const FILES_IN_LAYER = 100;
const IMAGES = 100;
const FILES_IN_IMAGE = 500;
const BASE_FILES = 10_000;
const FILE_BYTES = 4096;
const FILES_IN_FOLDER = 100;

/** One image of 60 layers, each of which changes half of the one below. */
export async function buildManyLayers(_: string, scaled: Bench['scaled']): Promise<BuiltImages> {
  const layers = [];
  const count = scaled(FILES_IN_LAYER);
  for (let index = 0; index < scaled(LAYERS); index++) {
    const entries = files('usr/share/layers', Math.floor((index * count) / 2), count);
    layers.push(await layer(entries));
  }
  const store = new ImageStore();
  store.add('bench/layers', image({ layers }), '1');
  return { store, steps: [['bench/layers:1']] };
}

/** Images of 500 files each on a base of 10,000 files, at once. */
export async function buildManyImages(_: string, scaled: Bench['scaled']): Promise<BuiltImages> {
  const store = new ImageStore();
  const base = await layer(files('usr/share/base', 0, scaled(BASE_FILES)));
  const tags = Array.from({ length: scaled(IMAGES) }, (_image, index) => String(index));
  for (const tag of tags) {
    const top = await layer(files('opt/app', 0, scaled(FILES_IN_IMAGE)));
    store.add('bench/app', image({ layers: [base, top] }), tag);
  }
  return { store, steps: [tags.map((tag) => `bench/app:${tag}`)] };
}

/** Files of random text, whose compression is that of base64. */
function* files(folder: string, first: number, count: number): Generator<LayerEntry> {
  yield directory(folder);
  for (let index = first; index < first + count; index++) {
    const part = `${folder}/${Math.floor(index / FILES_IN_FOLDER)}`;
    if (index === first || index % FILES_IN_FOLDER === 0) yield directory(part);
    yield file(`${part}/file-${index}`, randomBytes((FILE_BYTES * 3) / 4).toString('base64'));
  }
}
