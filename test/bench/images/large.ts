import { randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { image } from '../../support/images/image.ts';
import {
  copyOf,
  directory,
  file,
  symlink,
  whiteout,
  type LayerEntry,
} from '../../support/images/layer-entry.ts';
import { layerInFile } from '../../support/images/layer.ts';
import { ImageStore } from '../../support/images/store.ts';

/** Files in one folder, folders in one package, names as those of Python and JavaScript packages. */
const FILES_IN_FOLDER = 25;
const FOLDERS_IN_PACKAGE = 8;
/** Random ones: else the layer would compress as no real one does. */
const CONTENT_BYTES = 64;

/**
 * `bench/many:1`: a layer of `count` small files, 25 in a folder, and one that changes, adds and deletes files in every
 * hundredth folder.
 */
export async function buildManyFiles(folder: string, count: number): Promise<ImageStore> {
  const layers = [
    await layerInFile(join(folder, 'many.tar.gz'), manyFiles(count)),
    await layerInFile(join(folder, 'changes.tar.gz'), changes(count)),
  ];
  const store = new ImageStore();
  store.add('bench/many', image({ layers }), '1');
  return store;
}

function* manyFiles(count: number): Generator<LayerEntry> {
  for (let index = 0; index < count; index++) {
    if (index % (FILES_IN_FOLDER * FOLDERS_IN_PACKAGE) === 0) yield directory(packageOf(index));
    if (index % FILES_IN_FOLDER === 0) yield directory(folderOf(index));
    yield index % 50 === 49
      ? symlink(nameOf(index), `module_${index - 1}.py`)
      : file(nameOf(index), randomBytes(CONTENT_BYTES), { mtime: 1_600_000_000 + index });
  }
}

function* changes(count: number): Generator<LayerEntry> {
  for (let index = 0; index < count; index += 100 * FILES_IN_FOLDER) {
    yield directory(folderOf(index), { mode: 0o750 });
    yield file(nameOf(index), 'changed\n');
    yield whiteout(nameOf(index + 1));
    yield file(`${folderOf(index)}/added.py`, 'added\n');
  }
}

function packageOf(index: number): string {
  const number = Math.floor(index / (FILES_IN_FOLDER * FOLDERS_IN_PACKAGE));
  return `opt/conda/lib/python3.12/site-packages/package_${number}`;
}

function folderOf(index: number): string {
  return `${packageOf(index)}/subpackage_${Math.floor(index / FILES_IN_FOLDER) % FOLDERS_IN_PACKAGE}`;
}

function nameOf(index: number): string {
  return `${folderOf(index)}/module_${index}.py`;
}

/** Of each MiB, so much is random: it compresses as well as many real layers do, and no better. */
const RANDOM_BYTES = 128 * 1024;
const MIB = 1024 * 1024;

/** `bench/huge:1`: one layer with a file of each of these sizes. */
export async function buildHugeLayer(folder: string, sizesBytes: readonly number[]): Promise<ImageStore> {
  const source = join(folder, 'huge');
  const entries = sizesBytes.map((sizeBytes, index) => {
    const path = `${source}-${index}`;
    writePartlyRandom(path, Math.ceil(sizeBytes));
    return copyOf(`data/huge-${index}`, path);
  });
  const store = new ImageStore();
  const layers = [await layerInFile(join(folder, 'huge.tar.gz'), entries)];
  store.add('bench/huge', image({ layers }), '1');
  return store;
}

/** On this machine's disk it takes no more than what is random. */
function writePartlyRandom(path: string, sizeBytes: number): void {
  const fd = openSync(path, 'wx');
  const bytes = Buffer.alloc(RANDOM_BYTES);
  try {
    ftruncateSync(fd, sizeBytes);
    for (let at = 0; at + MIB <= sizeBytes; at += MIB)
      writeSync(fd, randomFillSync(bytes), 0, RANDOM_BYTES, at);
  } finally {
    closeSync(fd);
  }
}
