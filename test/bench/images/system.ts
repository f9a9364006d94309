import { lstatSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { image } from '../support/images/image.ts';
import { copyOf, directory, symlink, type LayerEntry } from '../support/images/layer-entry.ts';
import { layerInFile } from '../support/images/layer.ts';
import { ImageStore } from '../support/images/store.ts';

const LAYER_BYTES = 200_000_000;

/** `bench/system:1`: two layers of about 200 MB with the libraries and shared files of this machine. */
export async function buildBenchImages(folder: string): Promise<ImageStore> {
  mkdirSync(folder);
  const layers = [];
  for (const [index, top] of ['/usr/lib', '/usr/share'].entries()) {
    const entries = [...below(top, { left: LAYER_BYTES })];
    layers.push(await layerInFile(join(folder, `${index}.tar.gz`), entries, { level: 6 }));
  }
  const store = new ImageStore();
  store.add('bench/system', image({ layers }), '1');
  return store;
}

/** Everything below `top` until `budget` is used up, in the order of names. */
function* below(top: string, budget: { left: number }): Generator<LayerEntry> {
  yield directory(top.slice(1));
  for (const name of readdirSync(top).sort()) {
    if (budget.left <= 0) return;
    const source = join(top, name);
    const found = lstatSync(source);
    if (found.isDirectory()) yield* below(source, budget);
    if (found.isSymbolicLink()) yield symlink(source.slice(1), readlinkSync(source));
    if (!found.isFile()) continue;
    budget.left -= found.size;
    yield copyOf(source.slice(1), source, {
      mode: found.mode & 0o7777,
      mtime: Math.floor(found.mtimeMs / 1000),
    });
  }
}
