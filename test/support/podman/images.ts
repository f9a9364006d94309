import { RICH_LAYERS } from '../e2e/images.ts';
import { image, type Image } from '../images/image.ts';
import {
  copyOf,
  directory,
  file,
  opaque,
  symlink,
  whiteout,
  type LayerEntry,
} from '../images/layer-entry.ts';
import { layer } from '../images/layer.ts';
import { findProgram } from '../programs.ts';

/** What every image has below, so that something can be started in it; needs busybox as a static program. */
export const BUSYBOX = '/usr/bin/busybox';

export function busyboxLayer(): LayerEntry[] {
  const program = findProgram('busybox');
  if (program === undefined) throw new Error('busybox is not installed');
  const links = ['sh', 'cat', 'ls'].map((name) => symlink(`usr/bin/${name}`, 'busybox'));
  const folders = ['usr', 'usr/bin', 'etc', 'tmp'].map((path) => directory(path));
  return [...folders, copyOf('usr/bin/busybox', program, { mode: 0o755 }), ...links];
}

/** An image that says `text` in `/etc/release`, whose other layers are `entries`, lowest first. */
export async function startableImage(
  text: string,
  entries: readonly (readonly LayerEntry[])[] = [],
): Promise<Image> {
  const release = [directory('etc'), file('etc/release', text)];
  const all = [busyboxLayer(), ...entries, release];
  const layers = await Promise.all(all.map(async (one) => await layer(one)));
  return image({
    layers,
    config: { config: { Cmd: [BUSYBOX, 'cat', '/etc/release'], Env: ['NAME=value'] } },
  });
}

const DATA = ['1', '2', '3'].flatMap((name) => [
  file(`opt/data/${name}.txt`, `${name}\n`),
  file(`opt/data/sub/${name}.txt`, `sub ${name}\n`),
]);
const BASE = [directory('opt'), directory('opt/data'), directory('opt/data/sub'), ...DATA];

/** Images of everything that layers can do to those below, by their tag. */
export async function imagesOfAllKinds(): Promise<Map<string, Image>> {
  const changes: Readonly<Record<string, readonly (readonly LayerEntry[])[]>> = {
    plain: [],
    rich: RICH_LAYERS,
    deleted: [
      [directory('opt'), directory('opt/data'), whiteout('opt/data/1.txt'), whiteout('opt/data/sub')],
    ],
    opaque: [[directory('opt'), directory('opt/data'), opaque('opt/data'), file('opt/data/new', 'new\n')]],
    'back-again': [
      [directory('opt'), whiteout('opt/data')],
      [directory('opt'), directory('opt/data'), file('opt/data/1.txt', 'back\n')],
    ],
    'other-type': [[directory('opt'), whiteout('opt/data'), file('opt/data', 'now a file\n')]],
    'twice-the-same': [
      [directory('opt'), directory('opt/data'), file('opt/data/twice', 'twice\n')],
      [directory('opt'), directory('opt/data'), whiteout('opt/data/2.txt')],
      [directory('opt'), directory('opt/data'), file('opt/data/twice', 'twice\n')],
    ],
  };
  const found = new Map<string, Image>();
  for (const [tag, layers] of Object.entries(changes))
    found.set(tag, await startableImage(`${tag}\n`, [BASE, ...layers]));
  return found;
}

/** An image of `count` layers, each of which replaces one file and deletes one. */
export async function highImage(count: number): Promise<Image> {
  const layers = Array.from({ length: count - 2 }, (_, index) => [
    directory('opt'),
    file(`opt/${index}`, `${index}\n`),
    file('opt/newest', `${index}\n`),
    ...(index > 0 ? [whiteout(`opt/${index - 1}`)] : []),
  ]);
  return await startableImage(`${count} layers\n`, layers);
}
