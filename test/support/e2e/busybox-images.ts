import {
  directory,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
  type LayerEntry,
} from '../images/layer-entry.ts';

/**
 * Images on shared layers as people build them: each layer describes the folders above what it changes, as docker and
 * buildah write them. By tag, the lowest layer first.
 */

const USER = { uid: 1000, gid: 1000 };
const NUMBERS = ['1', '2', '3', '4', '5'];

const BASE: readonly LayerEntry[] = [
  ...['bin', 'etc', 'home', 'opt', 'opt/data', 'opt/data/sub', 'var', 'var/log'].map((path) =>
    directory(path),
  ),
  directory('tmp', { mode: 0o1777 }),
  directory('home/user', { mode: 0o750, ...USER }),
  file('bin/busybox', 'a program', { mode: 0o755 }),
  ...['sh', 'ls', 'cat'].map((name) => symlink(`bin/${name}`, 'busybox')),
  hardLink('bin/busybox-hardlink', 'bin/busybox'),
  file('bin/setuid', 'a program', { mode: 0o4755 }),
  file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n', { mtime: 981_173_106 }),
  file('etc/mode-000', 'secret\n', { mode: 0 }),
  ...NUMBERS.flatMap((name) => [file(`opt/data/${name}.txt`, name), file(`opt/data/sub/${name}.txt`, name)]),
];

const FIRST: readonly LayerEntry[] = [
  directory('opt'),
  directory('opt/data'),
  whiteout('opt/data/1.txt'),
  directory('opt/data/sub'),
  opaque('opt/data/sub'),
  file('opt/data/sub/new.txt', 'new'),
];

export const BUSYBOX_STACKS: Readonly<Record<string, readonly (readonly LayerEntry[])[]>> = {
  base: [BASE],
  '1.0': [BASE, FIRST],
  '1.1': [
    BASE,
    FIRST,
    [
      directory('bin'),
      whiteout('bin/busybox-hardlink'),
      directory('opt'),
      symlink('opt/link', 'data'),
      directory('opt/data'),
      file('opt/data/1.txt', 'back'),
    ],
  ],
  '1.2-rc1': [BASE, FIRST, [directory('opt'), whiteout('opt/data'), file('opt/data', 'data is now a file')]],
  '2.0': [
    BASE,
    FIRST,
    [
      directory('etc'),
      file('etc/release', '2.0'),
      directory('opt'),
      directory('opt/data'),
      hardLink('opt/data/2-hardlink.txt', 'opt/data/2.txt'),
    ],
  ],
  moved: [
    BASE,
    [
      directory('opt'),
      directory('opt/data'),
      directory('opt/data/moved', USER),
      file('opt/data/moved/2.txt', '2'),
      hardLink('opt/data/moved/same.txt', 'opt/data/moved/2.txt'),
      ...NUMBERS.map((name) => whiteout(`opt/data/${name}.txt`)),
      directory('home'),
      whiteout('home/user'),
      directory('home/user', { mode: 0o700 }),
      file('home/user/.profile', ''),
    ],
  ],
};
