import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { image } from '../../support/images/image.ts';
import { copyOf, directory, file, symlink, type LayerEntry } from '../../support/images/layer-entry.ts';
import { layer, layerInFile, type Layer } from '../../support/images/layer.ts';
import { ImageStore } from '../../support/images/store.ts';
import type { BuiltImages } from '../publications.ts';
import type { Bench } from '../scenario.ts';

const LAYER_BYTES = 200_000_000;
/** A rebuild changes every eighth file: in one of Debian packages and NumPy it was 13 of 100. */
const CHANGED = 8;
const FOLDERS = ['/usr/lib', '/usr/share'];

/** Two layers of about 200 MB with the libraries and shared files of this machine; the second image has one more, tiny. */
export async function buildSystem(folder: string, scaled: Bench['scaled']): Promise<BuiltImages> {
  const layers = await systemLayers(folder, scaled);
  const top = await layer([directory('etc/'), file('etc/release', '2\n')]);
  const store = new ImageStore();
  store.add('bench/system', image({ layers }), '1');
  store.add('bench/system', image({ layers: [...layers, top] }), '2');
  return { store, steps: [['bench/system:1'], ['bench/system:2']] };
}

/** The same image built on two nights: no layer is the same, and seven of eight files are. */
export async function buildNights(folder: string, scaled: Bench['scaled']): Promise<BuiltImages> {
  const store = new ImageStore();
  for (const night of [1, 2]) {
    const layers = await systemLayers(folder, scaled, night);
    store.add('bench/nightly', image({ layers }), String(night));
  }
  return { store, steps: [['bench/nightly:1'], ['bench/nightly:2']] };
}

async function systemLayers(folder: string, scaled: Bench['scaled'], night?: number): Promise<Layer[]> {
  const layers = [];
  for (const [index, top] of FOLDERS.entries()) {
    const entries = below(top, { leftBytes: scaled(LAYER_BYTES), count: 0 }, night);
    layers.push(await layerInFile(join(folder, `${index}-${night ?? 'any'}.tar.gz`), entries, { level: 6 }));
  }
  return layers;
}

/** Everything below `top` until the budget is used up, in the order of names. Bounded: by the depth of a package's folders. */
function* below(
  top: string,
  budget: { leftBytes: number; count: number },
  night: number | undefined,
): Generator<LayerEntry> {
  yield directory(top.slice(1));
  for (const name of readdirSync(top).sort()) {
    if (budget.leftBytes <= 0) return;
    const source = join(top, name);
    const found = lstatSync(source);
    if (found.isDirectory()) yield* below(source, budget, night);
    if (found.isSymbolicLink()) yield symlink(source.slice(1), readlinkSync(source));
    if (!found.isFile()) continue;
    budget.leftBytes -= found.size;
    const attributes = { mode: found.mode & 0o7777, mtime: Math.floor(found.mtimeMs / 1000) };
    const isChanged = night !== undefined && budget.count++ % CHANGED === 0;
    yield isChanged
      ? file(
          source.slice(1),
          Buffer.concat([readFileSync(source), Buffer.from(`night ${night}\n`)]),
          attributes,
        )
      : copyOf(source.slice(1), source, attributes);
  }
}
