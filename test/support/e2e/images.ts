import { image, type Image } from '../images/image.ts';
import type { Compression } from '../images/compression.ts';
import type { Flavour, ImageConfig } from '../images/image.ts';
import {
  device,
  directory,
  fifo,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
  type LayerEntry,
} from '../images/layer-entry.ts';
import { layer } from '../images/layer.ts';

/** Of a file with capabilities: cap_net_raw, permitted and effective. */
export const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const LATIN1 = Buffer.from('usr/share/caf\xe9', 'latin1');
const LONG_NAME = `usr/share/${'long-name-'.repeat(24)}`;
const DEEP = `usr/share/${'deep/'.repeat(50)}`;
const LARGE = Buffer.alloc(2_500_000, 'a line of a large file\n');

/** Everything that a layer can hold. */
const BASE: readonly LayerEntry[] = [
  directory('./', { mtime: 1_600_000_000 }),
  ...['etc', 'usr', 'usr/bin', 'usr/share', 'usr/lib', 'opt', 'opt/data', 'opt/data/sub', 'var'].map((path) =>
    directory(path),
  ),
  directory('var/spool', { mode: 0o1777 }),
  directory('opt/private', { mode: 0o700, uid: 1000, gid: 100 }),
  directory('opt/locked', { mode: 0o555 }),
  file('opt/locked/file', 'cannot be changed\n', { mode: 0o444 }),
  file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n', { mtime: 981_173_106 }),
  file('etc/shadow', 'secret\n', { mode: 0 }),
  file('etc/empty', ''),
  file('usr/bin/tool', '#!/bin/sh\necho tool\n', { mode: 0o755 }),
  file('usr/bin/setuid', 'set-uid\n', { mode: 0o4755 }),
  file('usr/bin/setgid', 'set-gid\n', { mode: 0o2755, gid: 50 }),
  file('usr/bin/ping', 'capable\n', { mode: 0o755, xattrs: { 'security.capability': CAPABILITY } }),
  hardLink('usr/bin/tool-linked', 'usr/bin/tool'),
  hardLink('usr/bin/tool-linked-again', 'usr/bin/tool-linked'),
  symlink('bin', 'usr/bin'),
  symlink('usr/bin/absolute', '/etc/passwd'),
  symlink('usr/bin/dangling', '../no/such/file'),
  symlink('usr/bin/outside', '../../../../../etc/passwd'),
  file('usr/lib/large', LARGE, { uid: 4_000_000, gid: 3_000_000 }),
  file(LATIN1, 'latin1\n'),
  file('usr/share/new\nline', 'newline\n'),
  file('usr/share/ g\u00fcnther -rf', 'text\n'),
  file(LONG_NAME, 'long\n'),
  directory(DEEP),
  file(`${DEEP}file`, 'deep\n'),
  directory('usr/lib/devices'),
  device('usr/lib/devices/null', 'character-device', [1, 3], { mode: 0o666 }),
  device('usr/lib/devices/disk', 'block-device', [8, 1], { mode: 0o660, gid: 6 }),
  fifo('usr/lib/devices/fifo', { mode: 0o640, uid: 7 }),
  ...['1', '2', '3'].flatMap((name) => [
    file(`opt/data/${name}.txt`, `${name}\n`),
    file(`opt/data/sub/${name}.txt`, `sub ${name}\n`),
  ]),
  directory('opt/type'),
  file('opt/type/file-to-directory', 'file\n'),
  directory('opt/type/directory-to-file'),
  file('opt/type/directory-to-file/inner', 'inner\n'),
  symlink('opt/type/link-to-directory', '../data'),
  file('opt/linked', 'of the lower layer\n'),
  directory('opt/gone'),
  file('opt/gone/file', 'gone\n'),
];

/** Deletions, an opaque directory, changes of type, links within the layer and to the one below. */
const SECOND: readonly LayerEntry[] = [
  directory('opt'),
  directory('opt/data', { mode: 0o750 }),
  whiteout('opt/data/1.txt'),
  directory('opt/data/sub'),
  opaque('opt/data/sub'),
  file('opt/data/sub/new.txt', 'new\n'),
  whiteout('opt/gone'),
  directory('opt/type'),
  whiteout('opt/type/file-to-directory'),
  directory('opt/type/file-to-directory'),
  file('opt/type/file-to-directory/inner', 'inner\n'),
  file('opt/type/directory-to-file', 'file\n'),
  whiteout('opt/type/link-to-directory'),
  directory('opt/type/link-to-directory'),
  hardLink('opt/linked-across', 'opt/linked'),
  file('opt/new', 'new\n'),
  hardLink('opt/new-linked', 'opt/new'),
  directory('etc', { mtime: 1_650_000_000 }),
  file('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\n', { mtime: 1_650_000_000 }),
];

/** What was deleted comes back. */
const THIRD: readonly LayerEntry[] = [
  directory('opt'),
  directory('opt/data'),
  file('opt/data/1.txt', 'back\n'),
  directory('opt/gone', { uid: 1000 }),
  whiteout('opt/data/2.txt'),
  symlink('opt/data/2.link', '1.txt'),
];

export const RICH_LAYERS: readonly (readonly LayerEntry[])[] = [BASE, SECOND, THIRD];

export interface RichOptions {
  readonly compression?: Compression;
  readonly flavour?: Flavour;
  /** Only so many of the layers, from the lowest. */
  readonly layers?: number;
}

const RICH_CONFIG: ImageConfig = {
  config: { Env: ['PATH=/usr/bin:/bin', 'NAME=rich'], Entrypoint: ['/usr/bin/tool'], Cmd: ['argument'] },
};

/** An image of everything that layers can hold. Its layers are the same each time. */
export async function richImage({
  compression = 'gzip',
  flavour = 'oci',
  layers = 3,
}: RichOptions = {}): Promise<Image> {
  const made = RICH_LAYERS.slice(0, layers).map(async (entries) => await layer(entries, { compression }));
  return image({ layers: await Promise.all(made), config: RICH_CONFIG, flavour });
}

/** An image with one layer, which holds one file `etc/release` with `text`. */
export async function smallImage(text: string): Promise<Image> {
  return image({ layers: [await layer([directory('etc'), file('etc/release', text)])] });
}
