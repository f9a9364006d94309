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
} from '../../support/images/layer-entry.ts';
import type { HostileCase, HostileCases } from './hostile-case.ts';

const LEFT_OUT = /left out, since CernVM-FS would act on/;

function leftOut(what: string, lacks: readonly string[], ...entries: LayerEntry[]): HostileCase {
  return { what, layers: [[...entries, file('good', 'x')]], has: ['good = x'], lacks, warning: LEFT_OUT };
}

/** All types of one name at once, at the root and deep down: an ingest ends with the first that its publisher refuses. */
function ofAllTypes(name: string): HostileCase {
  return leftOut(
    `${name} of all types`,
    ['a', 'b', 'c', 'd', 'e', 'f/g'].map((folder) => `${folder}/${name}`),
    file(name, 'x'.repeat(5000)),
    file(`a/${name}`),
    symlink(`b/${name}`, '../good'),
    device(`c/${name}`, 'block-device', [8, 1]),
    fifo(`d/${name}`),
    directory(`e/${name}`),
    file(`e/${name}/x`),
    file('to', 'x'),
    hardLink(`f/g/${name}`, 'to'),
    whiteout(`h/${name}`),
  );
}

/** Names by which CernVM-FS takes orders. (A marker of our own stands at the root of each tree.) */
export const orderCases: HostileCases = () => [
  ...[
    '.cvmfscatalog',
    '.cvmfsautocatalog',
    '.cvmfsdirtab',
    '.cvmfsbundles',
    '.cvmfsbundle-good',
    '.cvmfsgraft-good',
  ].map(ofAllTypes),
  leftOut('a catalog marker', ['d/.cvmfscatalog'], directory('d'), file('d/.cvmfscatalog')),
  leftOut('one with content, at the root', [], file('.cvmfscatalog', 'x'.repeat(5000))),
  leftOut('one deep down', ['a/b/c/d/.cvmfscatalog'], file('a/b/c/d/.cvmfscatalog')),
  leftOut('one that is a link', ['d/.cvmfscatalog'], directory('d'), symlink('d/.cvmfscatalog', '../good')),
  leftOut('one that is a device', ['.cvmfscatalog/x'], device('d/.cvmfscatalog', 'block-device', [8, 1])),
  leftOut('one that is a fifo', ['d/.cvmfscatalog'], fifo('d/.cvmfscatalog')),
  leftOut(
    'one that is a folder',
    ['d/.cvmfscatalog'],
    directory('d/.cvmfscatalog'),
    file('d/.cvmfscatalog/a'),
  ),
  leftOut('one that is a hard link', ['d/.cvmfscatalog'], file('a', 'x'), hardLink('d/.cvmfscatalog', 'a')),
  leftOut('the deletion of one', [], whiteout('.cvmfscatalog'), whiteout('d/.cvmfscatalog')),
  leftOut('a list of catalogs', ['.cvmfsdirtab'], file('.cvmfsdirtab', '/*\n! /\n')),
  leftOut('one deep down', ['a/b/.cvmfsdirtab'], file('a/b/.cvmfsdirtab', '/*')),
  leftOut('a graft', ['.cvmfsgraft-good'], file('.cvmfsgraft-good', 'size=1\nchecksum=00\n')),
  leftOut('a graft with a newline', ['d/.cvmfsgraft-\n'], file('d/.cvmfsgraft-\n', 'size=1')),
  {
    what: 'a hard link to an order',
    layers: [[file('.cvmfsbundles', 'x'), hardLink('h', '.cvmfsbundles')]],
    has: ['h = x'],
    lacks: ['.cvmfsbundles'],
    warning: LEFT_OUT,
  },
  {
    what: 'a hard link to an order of a lower layer',
    layers: [[file('.cvmfsbundles', 'x')], [hardLink('h', '.cvmfsbundles'), file('good', 'x')]],
    has: ['good = x'],
    lacks: ['.cvmfsbundles', 'h'],
    warning: LEFT_OUT,
  },
  {
    what: 'a file in an order, through a link',
    layers: [[symlink('s', '.cvmfscatalog'), file('s/a', 'x')]],
    code: 'layer-refused',
  },
  {
    what: 'the same, over two layers',
    layers: [[symlink('d/s', '/d/.cvmfsgraft-x')], [file('d/s/a', 'x')]],
    code: 'layer-refused',
  },
  {
    what: 'an order by a link in the place of its folder',
    layers: [
      [directory('a'), symlink('d', 'a')],
      [file('d/.cvmfscatalog'), file('d/ok', 'x')],
    ],
    has: ['a/ok = x'],
    lacks: ['a/.cvmfscatalog'],
    warning: LEFT_OUT,
  },
];

/** Names that are our own, and those by which layers delete. */
export const nameCases: HostileCases = ({ path, inImage }) => [
  {
    what: 'start-up files in a link to the host',
    layers: [[symlink('.singularity.d', path), file('good', 'x')]],
    has: ['good = x', '.singularity.d/', '.singularity.d/actions/', '.run -> .singularity.d/actions/run'],
    lacks: [inImage],
  },
  {
    what: 'start-up files in a file, and their folders in links to the host',
    layers: [
      [file('.singularity.d', 'x')],
      [
        directory('.singularity.d'),
        symlink('.singularity.d/actions', path),
        symlink('.singularity.d/env', '/etc'),
      ],
    ],
    has: ['.singularity.d/actions/', '.singularity.d/env/'],
    lacks: [inImage, 'etc/99-base.sh'],
  },
  {
    what: 'start-up files that are links to the host, or hard links to others',
    layers: [
      [
        file('other', 'x'),
        symlink('.singularity.d/runscript', `${path}/file`),
        hardLink('.singularity.d/labels.json', 'other'),
        symlink('.singularity.d/libs', path),
      ],
    ],
    has: ['other = x', '.singularity.d/libs/'],
    lacks: [inImage],
  },
  {
    what: 'names of start-up links',
    layers: [[directory('.exec'), file('.run', 'image'), symlink('.shell', path), fifo('environment')]],
    has: ['.exec/', '.run = image', `.shell -> ${path}`, 'environment p'],
  },
  {
    what: 'mount points that are links to the host',
    layers: [[symlink('etc', path), symlink('var', `${path}/folder`), symlink('dev', '/dev')]],
    has: [`etc -> ${path}`, `${inImage}/hosts = `, `${inImage}/folder/tmp/ 1777`, 'dev -> /dev'],
  },
  {
    what: 'mount points that are links to files of the host',
    layers: [
      [symlink('etc/hosts', `${path}/file`), symlink('etc/resolv.conf', '/etc/passwd'), file('proc', 'x')],
    ],
    has: [`etc/hosts -> ${path}/file`, 'etc/resolv.conf -> /etc/passwd', 'proc = x'],
    lacks: [inImage],
  },
  {
    what: 'names of our own folders',
    layers: [
      [
        file('.layers/aa/layerfs/x', '1'),
        file('layerfs', '2'),
        file('.metadata/origin.json', '3'),
        file('.unpackd/flat/aa/bb', '4'),
        file('.flat', '5'),
        file('podmanStore/overlay-images/images.json', '[]'),
        file('.cvmfs/x', '6'),
      ],
    ],
    has: [
      '.layers/aa/layerfs/x = 1',
      'layerfs = 2',
      '.metadata/origin.json = 3',
      '.unpackd/flat/aa/bb = 4',
      '.flat = 5',
      '.cvmfs/x = 6',
    ],
  },
  { what: 'the deletion of nothing', layers: [[file('a')], [file('.wh.')]], code: 'layer-refused' },
  {
    what: 'the deletion of the folder itself',
    layers: [[file('a')], [file('.wh..')]],
    code: 'layer-refused',
  },
  { what: 'the deletion of what is above', layers: [[file('a')], [file('.wh...')]], code: 'layer-refused' },
  {
    what: 'the deletion of what is above, in a folder',
    layers: [[file('a/b/c')], [file('a/b/.wh...')]],
    code: 'layer-refused',
  },
  {
    what: 'the deletion of a path',
    layers: [[file('a/b', 'x')], [file('.wh.a/b', 'y'), file('.wh...x', 'y')]],
    has: ['a/b = x'],
  },
  {
    what: 'an opaque mark that is a folder',
    layers: [[file('d/a', 'x')], [directory('d'), directory('d/.wh..wh..opq'), file('d/b', 'y')]],
    has: ['d/b = y'],
    lacks: ['d/a', 'd/.wh..wh..opq'],
  },
  {
    what: 'an opaque mark that is a link to the host',
    layers: [[file('d/a', 'x')], [directory('d'), symlink('d/.wh..wh..opq', path)]],
    lacks: ['d/a', 'd/.wh..wh..opq'],
  },
  {
    what: 'deletions that are links and hard links',
    layers: [
      [file('a', 'x'), file('b', 'x')],
      [symlink('.wh.a', path), file('c', 'y'), hardLink('.wh.b', 'c')],
    ],
    has: ['c = y'],
    lacks: ['a', 'b', '.wh.a', '.wh.b'],
  },
  {
    what: 'the books of AUFS, with links to the host',
    layers: [[symlink('.wh..wh.plnk', path), file('.wh..wh.plnk/file', 'x'), file('good', 'x')]],
    has: ['good = x'],
    lacks: ['.wh..wh.plnk', inImage],
  },
  {
    what: 'links to the books of AUFS, with content, and out of them',
    layers: [
      [
        file('.wh..wh.plnk/1.2', 'x'),
        hardLink('a', '.wh..wh.plnk/1.2'),
        symlink('.wh..wh.plnk/3.4', path),
        hardLink('b', '.wh..wh.plnk/3.4'),
        hardLink('.wh..wh.plnk/5.6', 'nothing'),
      ],
    ],
    has: ['a = x', `b -> ${path}`],
    lacks: ['.wh..wh.plnk'],
  },
  {
    what: 'deletions of everything, and of what is ours',
    layers: [
      [directory('d'), file('d/a'), file('.exec', 'image')],
      [opaque(''), whiteout('.exec'), whiteout('.singularity.d'), whiteout('dev')],
    ],
    has: ['.exec -> .singularity.d/actions/exec', 'dev/'],
    lacks: ['d'],
    // Kernel overlay does not heed an opaque root.
    warning: /overlay mounts of \.layers \(podman, containerd\) show 1 path other/,
  },
];
