import { join } from 'node:path';
import { image } from '../../test/support/images/image.ts';
import type { ImageConfig } from '../../test/support/images/image.ts';
import { directory, file, hardLink, symlink, whiteout } from '../../test/support/images/layer-entry.ts';
import type { LayerEntry } from '../../test/support/images/layer-entry.ts';
import { layer, layerInFile } from '../../test/support/images/layer.ts';
import { ImageStore } from '../../test/support/images/store.ts';
import { NODE, nodeFiles } from './node-files.ts';

export const APP = 'demo/app';
export const TOOLS = 'demo/tools';

/**
 * Real images from what is on this machine: `demo/app` with the tags `1.0` and `latest`, and `demo/tools:1`, on a
 * common layer with the running Node (about 100 MB, compressed to half of that).
 *
 * @param folder existing directory for that layer, which is served from there
 */
export async function buildDemoImages(folder: string): Promise<ImageStore> {
  const base = await layerInFile(join(folder, 'base-layer.tar.gz'), [
    ...systemFiles(),
    ...(await nodeFiles()),
  ]);
  const app = await layer([
    directory('app'),
    file('app/greet.mjs', "console.log('Hello from', process.version);\n"),
    file('app/notes.txt', 'Only version 1.0 has these notes.\n'),
    hardLink('app/main.mjs', 'app/greet.mjs'),
  ]);
  const tools = await layer([
    directory('opt/tools'),
    file('opt/tools/checksum.mjs', CHECKSUM),
    symlink('checksum', 'opt/tools/checksum.mjs'),
  ]);
  const store = new ImageStore();
  const first = image({ layers: [base, app], config: configOf('/app/main.mjs', '1.0') });
  for (const tag of ['1.0', 'latest']) store.add(APP, first, tag);
  const config = configOf('/opt/tools/checksum.mjs', '1');
  store.add(TOOLS, image({ layers: [base, tools], config, flavour: 'docker' }), '1');
  return store;
}

/** Pushes `demo/app:1.1`, one small layer on top of 1.0, and moves `latest` to it. */
export async function addUpdate(store: ImageStore): Promise<void> {
  const before = store.image(APP, '1.0');
  if (before === undefined) throw new Error('there is nothing to update: build the images first');
  const change = await layer([
    file('app/main.mjs', "console.log('Hello again from', process.version, 'on', process.arch);\n"),
    whiteout('app/notes.txt'),
  ]);
  const update = image({ layers: [...before.layers, change], config: configOf('/app/main.mjs', '1.1') });
  for (const tag of ['1.1', 'latest']) store.add(APP, update, tag);
}

function systemFiles(): LayerEntry[] {
  return [
    directory('etc'),
    file('etc/passwd', 'root:x:0:0:root:/root:/sbin/nologin\n'),
    file('etc/group', 'root:x:0:\n'),
    file('etc/os-release', 'ID=demo\nNAME="Images of the demo"\n'),
    directory('root', { mode: 0o700 }),
    directory('tmp', { mode: 0o1777 }),
  ];
}

function configOf(script: string, version: string): ImageConfig {
  return {
    architecture: ARCHITECTURES.get(process.arch) ?? process.arch,
    config: {
      Entrypoint: [NODE, script],
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin'],
      WorkingDir: '/',
      Labels: { 'org.opencontainers.image.version': version },
    },
  };
}

/** Names of the image specification where they are not Node's own. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
]);

const CHECKSUM = `import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

for (const path of process.argv.slice(2)) {
  console.log(createHash('sha256').update(readFileSync(path)).digest('hex'), path);
}
`;
