import {
  device,
  directory,
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
    what: 'catalog markers',
    stack: [
      [file('.cvmfscatalog', 'x'), file('d/.cvmfscatalog'), directory('e'), symlink('e/.cvmfscatalog', 'x')],
    ],
    expected: ['e/'],
    differs: 'CernVM-FS would act on them',
  },
  {
    what: 'other orders',
    stack: [
      [file('.cvmfsdirtab', '/*'), file('d/.cvmfsgraft-a', 'x'), file('.cvmfsgraft-\n', 'x'), file('a', 'b')],
    ],
    expected: ['a = b'],
    differs: 'CernVM-FS would act on them',
  },
  {
    what: 'what lies below such names',
    stack: [[directory('.cvmfscatalog'), file('.cvmfscatalog/a', 'x'), file('.cvmfsdirtab/a/b', 'x')]],
    expected: [],
    differs: 'CernVM-FS would act on them',
  },
  {
    what: 'deletions of such names',
    stack: [[file('a', 'b')], [whiteout('.cvmfscatalog'), whiteout('d/.cvmfsdirtab')]],
    expected: ['a = b'],
  },
  {
    what: 'not names that are like them',
    stack: [
      [
        file('.cvmfs', '1'),
        file('.cvmfscatalogs', '2'),
        file('x.cvmfscatalog', '3'),
        file('.cvmfsgraft', '4'),
      ],
    ],
    expected: ['.cvmfs = 1', '.cvmfscatalogs = 2', '.cvmfsgraft = 4', 'x.cvmfscatalog = 3'],
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
