import {
  device,
  directory,
  fifo,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
} from '../../support/images/layer-entry.ts';
import { LOWER, LOWER_LINES, type MergeCase } from './merge-case.ts';

export const DELETIONS: readonly MergeCase[] = [
  { what: 'no members', stack: [LOWER, []], expected: LOWER_LINES },
  { what: 'a file', stack: [LOWER, [whiteout('d/a')]], expected: ['d/ 700', 'd/b = lower b'] },
  { what: 'a directory with all that it holds', stack: [LOWER, [whiteout('d')]], expected: [] },
  {
    what: 'a symbolic link, not its target',
    stack: [[...LOWER, symlink('s', 'd')], [whiteout('s')]],
    expected: LOWER_LINES,
  },
  { what: 'a device', stack: [[device('n', 'block-device', [8, 1])], [whiteout('n')]], expected: [] },
  {
    what: 'a name of a hard-linked file',
    stack: [[file('f', 'x'), hardLink('h', 'f')], [whiteout('f')]],
    expected: ['h = x'],
  },
  {
    what: 'nothing, where the name is absent',
    stack: [LOWER, [whiteout('d/x'), whiteout('x')]],
    expected: LOWER_LINES,
  },
  {
    what: 'nothing, where the folder is absent',
    stack: [LOWER, [whiteout('x/y'), whiteout('x/z/y')]],
    expected: LOWER_LINES,
  },
  {
    what: 'nothing, where the folder is a file',
    stack: [[file('f', 'x')], [whiteout('f/y')]],
    expected: ['f = x'],
  },
  {
    what: 'nothing, where the folder is a file of the layer',
    stack: [LOWER, [file('f', 'x'), whiteout('f/y')]],
    expected: [...LOWER_LINES, 'f = x'],
  },
  {
    what: 'nothing, where the folder is a symbolic link of the layer in a circle',
    stack: [LOWER, [symlink('s', 's'), whiteout('s/y')]],
    expected: [...LOWER_LINES, 's -> s'],
    differs: 'it may as well be an error',
  },
  {
    what: 'a name of the image that begins like a whiteout',
    stack: [[file('.whx', 'x')], [whiteout('.whx')]],
    expected: [],
  },
  {
    what: 'in one layer what the next brings again',
    stack: [LOWER, [whiteout('d')], [directory('d'), file('d/a', 'new')]],
    expected: ['d/', 'd/a = new'],
  },
  {
    what: 'a file that the same layer brings: it stays, whatever the order',
    stack: [LOWER, [whiteout('d/a'), file('d/a', 'new'), file('d/b', 'new'), whiteout('d/b')]],
    expected: ['d/ 700', 'd/a = new', 'd/b = new'],
  },
  {
    what: 'a directory that the same layer brings: what is below it goes',
    stack: [LOWER, [whiteout('d'), directory('d'), file('d/c', 'new')]],
    expected: ['d/', 'd/c = new'],
  },
  {
    what: 'the same, with the deletion last',
    stack: [LOWER, [directory('d'), file('d/c', 'new'), whiteout('d')]],
    expected: ['d/', 'd/c = new'],
  },
  {
    what: 'a directory that the same layer brings by a member in it',
    stack: [LOWER, [whiteout('d'), file('d/c', 'new')]],
    expected: ['d/', 'd/c = new'],
  },
  {
    what: 'a directory that the same layer brings as a file',
    stack: [LOWER, [whiteout('d'), file('d', 'new')]],
    expected: ['d = new'],
  },
  {
    what: 'a file that the same layer brings as a directory',
    stack: [[file('f', 'x')], [whiteout('f'), directory('f'), file('f/a', 'new')]],
    expected: ['f/', 'f/a = new'],
  },
  {
    what: 'a symbolic link that the same layer brings as a directory',
    stack: [
      [...LOWER, symlink('s', 'd')],
      [whiteout('s'), file('s/c', 'new')],
    ],
    expected: [...LOWER_LINES, 's/', 's/c = new'],
  },
  {
    what: 'in a directory that is a symbolic link below',
    stack: [[...LOWER, symlink('s', 'd')], [whiteout('s/a')]],
    expected: ['d/ 700', 'd/b = lower b', 's -> d'],
  },
  {
    what: 'nothing, in a symbolic link that leads nowhere',
    stack: [[symlink('s', 'nowhere')], [whiteout('s/a')]],
    expected: ['s -> nowhere'],
  },
  {
    what: 'nothing of what a lower layer deleted already',
    stack: [LOWER, [whiteout('d')], [whiteout('d')]],
    expected: [],
  },
  { what: 'never the folder itself', stack: [LOWER, [file('d/.wh..')]], expected: 'layer-refused' },
  { what: 'never what is above', stack: [LOWER, [file('d/.wh...')]], expected: 'layer-refused' },
  { what: 'never nothing', stack: [LOWER, [file('d/.wh.')]], expected: 'layer-refused' },
];

export const OPAQUE: readonly MergeCase[] = [
  { what: 'alone', stack: [LOWER, [opaque('d')]], expected: ['d/ 700'] },
  {
    what: 'before siblings',
    stack: [LOWER, [directory('d'), opaque('d'), file('d/c', 'new')]],
    expected: ['d/', 'd/c = new'],
  },
  {
    what: 'after siblings',
    stack: [LOWER, [directory('d'), file('d/c', 'new'), opaque('d')]],
    expected: ['d/', 'd/c = new'],
  },
  {
    what: 'with a name that was there',
    stack: [LOWER, [opaque('d'), file('d/a', 'new')]],
    expected: ['d/ 700', 'd/a = new'],
  },
  {
    what: 'deeper down',
    stack: [[...LOWER, directory('d/e'), file('d/e/f', 'x')], [opaque('d/e')]],
    expected: [...LOWER_LINES, 'd/e/'],
  },
  {
    what: 'above what was there',
    stack: [
      [...LOWER, directory('d/e'), file('d/e/f', 'x')],
      [opaque('d'), file('d/e/g', 'new')],
    ],
    expected: ['d/ 700', 'd/e/', 'd/e/g = new'],
  },
  { what: 'the root', stack: [LOWER, [opaque(''), file('x', 'new')]], expected: ['x = new'] },
  { what: 'an absent directory', stack: [LOWER, [opaque('x')]], expected: LOWER_LINES },
  {
    what: 'an absent directory that the layer brings',
    stack: [LOWER, [directory('x'), opaque('x')]],
    expected: [...LOWER_LINES, 'x/'],
  },
  {
    what: 'through a symbolic link below',
    stack: [
      [...LOWER, symlink('s', 'd')],
      [opaque('s'), file('s/c', 'new')],
    ],
    expected: ['d/ 700', 'd/c = new', 's -> d'],
  },
  {
    what: 'in one layer, filled by the next',
    stack: [LOWER, [opaque('d')], [file('d/c', 'new')]],
    expected: ['d/ 700', 'd/c = new'],
  },
];

export const NO_PART_OF_THE_IMAGE: readonly MergeCase[] = [
  {
    what: 'AUFS books',
    stack: [
      [
        directory('.wh..wh.plnk'),
        file('.wh..wh.plnk/1.2', 'x'),
        file('.wh..wh.aufs'),
        file('d/.wh..wh.orph/x', 'y'),
        file('a', 'b'),
      ],
    ],
    expected: ['a = b'],
    differs: 'unpackers keep the folders',
  },
  {
    what: 'deletions of AUFS, which are hard links to a file in its books',
    stack: [LOWER, [file('.wh..wh.aufs'), hardLink('.wh.d', '.wh..wh.aufs')]],
    expected: [],
  },
  {
    what: 'deletions that are hard links to what is left out',
    stack: [[...LOWER, file('.cvmfsdirtab')], [hardLink('d/.wh.a', '.cvmfsdirtab')]],
    expected: ['d/ 700', 'd/b = lower b'],
    differs: 'CernVM-FS would act on it',
  },
  {
    what: 'catalog markers',
    stack: [
      [file('.cvmfscatalog', 'x'), file('d/.cvmfscatalog'), directory('e'), symlink('e/.cvmfscatalog', 'x')],
    ],
    expected: ['e/'],
    differs: 'CernVM-FS would act on them',
  },
  ...[
    '.cvmfsautocatalog',
    '.cvmfsdirtab',
    '.cvmfsbundles',
    '.cvmfsbundle-a',
    '.cvmfsgraft-a',
    '.cvmfsgraft-\n',
  ].flatMap((name): MergeCase[] => [
    {
      what: `${JSON.stringify(name)} of all types, and what is below it`,
      stack: [
        [
          file(name, 'x'),
          symlink(`e/${name}`, 'x'),
          device(`f/${name}`, 'character-device', [1, 3]),
          fifo(`g/${name}`),
          directory(`h/${name}`),
          file(`h/${name}/i/j`, 'x'),
          file('a', 'b'),
          hardLink(`k/${name}`, 'a'),
          hardLink(`l/${name}`, 'nothing'),
        ],
      ],
      expected: ['a = b'],
      differs: 'CernVM-FS would act on them',
    },
    {
      what: `the deletion of ${JSON.stringify(name)}`,
      stack: [[file('a', 'b')], [whiteout(name), whiteout(`d/${name}`)]],
      expected: ['a = b'],
    },
    {
      what: `${JSON.stringify(name)}, and not the hard links to it`,
      stack: [
        [
          file(name, 'x'),
          hardLink('h', name),
          file('a', 'b'),
          hardLink(`d/${name}`, 'a'),
          hardLink('i', `d/${name}`),
        ],
      ],
      expected: ['a = b', 'h = x', 'i == a'],
      differs: 'CernVM-FS would act on them',
    },
    {
      what: `hard links to ${JSON.stringify(name)} of a lower layer`,
      stack: [
        [file(name, 'x'), directory(`d/${name}`), file(`d/${name}/a`)],
        [hardLink('h', name), hardLink('i', `d/${name}/a`)],
      ],
      expected: [],
      differs: 'CernVM-FS would act on them',
    },
  ]),
  {
    what: 'not names that are like them',
    stack: [
      [
        '.cvmfs',
        '.cvmfscatalogs',
        'x.cvmfscatalog',
        '.cvmfsgraft',
        '.cvmfsbundle',
        '.cvmfsbundles2',
        '.cvmfsautocatalog-x',
        '.CVMFSCATALOG',
        '.cvmfspublished',
        '.cvmfswhitelist',
        '.cvmfs_master_replica',
      ].map((name) => file(name, 'x')),
    ],
    expected: [
      '.CVMFSCATALOG = x',
      '.cvmfs = x',
      '.cvmfs_master_replica = x',
      '.cvmfsautocatalog-x = x',
      '.cvmfsbundle = x',
      '.cvmfsbundles2 = x',
      '.cvmfscatalogs = x',
      '.cvmfsgraft = x',
      '.cvmfspublished = x',
      '.cvmfswhitelist = x',
      'x.cvmfscatalog = x',
    ],
  },
  {
    what: 'such a place that a link leads to',
    stack: [[symlink('s', '.cvmfscatalog'), file('s/a', 'x')]],
    expected: 'layer-refused',
    differs: 'CernVM-FS would act on it',
  },
  {
    what: 'such a place that a link below leads to',
    stack: [[symlink('s', '.cvmfscatalog')], [file('s/a', 'x')]],
    expected: 'layer-refused',
    differs: 'CernVM-FS would act on it',
  },
];

const BOOKS = 'unpackers keep the books as folders';

/** AUFS kept files with several names in its books, and archives have them there: those names are hard links to it. */
export const AUFS_LINKS: readonly MergeCase[] = [
  {
    what: 'to a file in the books',
    stack: [
      [
        directory('.wh..wh.plnk'),
        file('.wh..wh.plnk/12.34', 'x'),
        hardLink('a', '.wh..wh.plnk/12.34'),
        hardLink('d/b', './.wh..wh.plnk/12.34'),
      ],
    ],
    expected: ['a = x', 'd/', 'd/b == a'],
    differs: BOOKS,
  },
  {
    what: 'to one of several',
    stack: [
      [
        file('.wh..wh.plnk/1.2', 'x'),
        file('.wh..wh.plnk/1.3', 'y'),
        hardLink('a', '.wh..wh.plnk/1.3'),
        hardLink('b', '.wh..wh.plnk/1.2'),
      ],
    ],
    expected: ['a = y', 'b = x'],
    differs: BOOKS,
  },
  {
    what: 'to a file in the books that is itself a hard link',
    stack: [[file('a', 'x'), hardLink('.wh..wh.plnk/1.2', 'a'), hardLink('b', '.wh..wh.plnk/1.2')]],
    expected: ['a = x', 'b == a'],
    differs: BOOKS,
  },
  {
    what: 'to a symbolic link in the books',
    stack: [[symlink('.wh..wh.plnk/1.2', 'x'), hardLink('a', '.wh..wh.plnk/1.2')]],
    expected: ['a -> x'],
    differs: BOOKS,
  },
  {
    what: 'in the place of what a lower layer has',
    stack: [LOWER, [file('.wh..wh.plnk/1.2', 'x'), hardLink('d/a', '.wh..wh.plnk/1.2')]],
    expected: ['d/ 700', 'd/a = x', 'd/b = lower b'],
    differs: BOOKS,
  },
  {
    what: 'that the next layer links to',
    stack: [[file('.wh..wh.plnk/1.2', 'x'), hardLink('a', '.wh..wh.plnk/1.2')], [hardLink('b', 'a')]],
    expected: ['a = x', 'b == a'],
    differs: BOOKS,
  },
  {
    what: 'to other books',
    stack: [[file('d/.wh..wh.orph/x', 'y'), hardLink('a', 'd/.wh..wh.orph/x')]],
    expected: ['a = y'],
    differs: BOOKS,
  },
  {
    what: 'to what is not in the books',
    stack: [[file('.wh..wh.plnk/1.2', 'x'), hardLink('a', '.wh..wh.plnk/1.3')]],
    expected: 'layer-corrupt',
  },
  {
    what: 'to the books of a lower layer',
    stack: [[file('.wh..wh.plnk/1.2', 'x')], [hardLink('a', '.wh..wh.plnk/1.2')]],
    expected: 'layer-corrupt',
    differs: BOOKS,
  },
  {
    what: 'to a folder in the books',
    stack: [[directory('.wh..wh.plnk'), hardLink('a', '.wh..wh.plnk')]],
    expected: 'layer-corrupt',
  },
];
