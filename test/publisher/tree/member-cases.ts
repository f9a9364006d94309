import {
  device,
  directory,
  fifo,
  file,
  hardLink,
  symlink,
  whiteout,
} from '../../support/images/layer-entry.ts';
import { LOWER, LOWER_LINES, type MergeCase } from './merge-case.ts';

export const TYPES: readonly MergeCase[] = [
  { what: 'a file by a file', stack: [[file('f', 'x')], [file('f', 'new')]], expected: ['f = new'] },
  { what: 'a file by a directory', stack: [[file('f', 'x')], [directory('f')]], expected: ['f/'] },
  { what: 'a file by a symbolic link', stack: [[file('f', 'x')], [symlink('f', 'y')]], expected: ['f -> y'] },
  {
    what: 'a file by a device',
    stack: [[file('f', 'x')], [device('f', 'character-device', [1, 3])]],
    expected: ['f c 1:3'],
  },
  { what: 'a directory by a file', stack: [LOWER, [file('d', 'new')]], expected: ['d = new'] },
  { what: 'a directory by a symbolic link', stack: [LOWER, [symlink('d', 'x')]], expected: ['d -> x'] },
  { what: 'a directory by a fifo', stack: [LOWER, [fifo('d')]], expected: ['d p'] },
  {
    what: 'a directory by a directory: attributes alone',
    stack: [LOWER, [directory('d', { mode: 0o711 })]],
    expected: ['d/ 711', 'd/a = lower a', 'd/b = lower b'],
  },
  {
    what: 'a symbolic link by a directory',
    stack: [
      [...LOWER, symlink('s', 'd')],
      [directory('s'), file('s/c', 'new')],
    ],
    expected: [...LOWER_LINES, 's/', 's/c = new'],
  },
  {
    what: 'a symbolic link by a file',
    stack: [[...LOWER, symlink('s', 'd/a')], [file('s', 'new')]],
    expected: [...LOWER_LINES, 's = new'],
  },
  {
    what: 'a device by a symbolic link',
    stack: [[device('n', 'block-device', [8, 1])], [symlink('n', 'x')]],
    expected: ['n -> x'],
  },
  { what: 'a fifo by a file', stack: [[fifo('p')], [file('p', 'new')]], expected: ['p = new'] },
  {
    what: 'a directory by a hard link',
    stack: [[...LOWER, file('f', 'x')], [hardLink('d', 'f')]],
    expected: ['d = x', 'f == d'],
  },
];

export const ONE_LAYER: readonly MergeCase[] = [
  {
    what: 'a file again: the last holds',
    stack: [[file('f', '1'), file('f', '2'), file('f', '3')]],
    expected: ['f = 3'],
  },
  {
    what: 'a directory again: the last attributes hold',
    stack: [[directory('d', { mode: 0o700 }), file('d/a', 'x'), directory('d', { mode: 0o711 })]],
    expected: ['d/ 711', 'd/a = x'],
  },
  {
    what: 'a directory after its children',
    stack: [[file('d/e/a', 'x'), directory('d/e', { mode: 0o700 }), directory('d', { mode: 0o711 })]],
    expected: ['d/ 711', 'd/e/ 700', 'd/e/a = x'],
  },
  {
    what: 'a file in the place of a directory of the layer',
    stack: [[directory('d'), file('d/a', 'x'), file('d', 'y')]],
    expected: ['d = y'],
  },
  {
    what: 'a directory in the place of a file of the layer',
    stack: [[file('d', 'y'), directory('d'), file('d/a', 'x')]],
    expected: ['d/', 'd/a = x'],
  },
  {
    what: 'a directory in the place of a file in the place of one below',
    stack: [LOWER, [file('d', 'y'), directory('d'), file('d/c', 'new')]],
    expected: ['d/', 'd/c = new'],
  },
  {
    what: 'a directory in the place of a symbolic link of the layer',
    stack: [[directory('e'), symlink('d', 'e'), directory('d'), file('d/a', 'x')]],
    expected: ['d/', 'd/a = x', 'e/'],
  },
  { what: 'missing parents: made', stack: [[file('a/b/c', 'x')]], expected: ['a/', 'a/b/', 'a/b/c = x'] },
  {
    what: 'missing parents: those below keep their attributes',
    stack: [LOWER, [file('d/c', 'new')]],
    expected: [...LOWER_LINES, 'd/c = new'],
  },
  ...[
    {
      what: 'a member below a file',
      stack: [[file('f', 'x'), file('f/a', 'y')]],
      expected: ['f/', 'f/a = y'],
    },
    {
      what: 'a member far below a file',
      stack: [[file('f', 'x'), file('f/a/b', 'y')]],
      expected: ['f/', 'f/a/', 'f/a/b = y'],
    },
    {
      what: 'a member below a hard link, whose other name stays',
      stack: [[file('f', 'x'), hardLink('h', 'f'), file('h/a', 'y')]],
      expected: ['f = x', 'h/', 'h/a = y'],
    },
    {
      what: 'a member below a hard link to a file of a lower layer',
      stack: [[file('f', 'x')], [hardLink('h', 'f'), file('h/a', 'y')]],
      expected: ['f = x', 'h/', 'h/a = y'],
    },
    {
      what: 'a member below a fifo',
      stack: [[fifo('p'), directory('p/d')]],
      expected: ['p/', 'p/d/'],
    },
    {
      what: 'a member below a device of a lower layer',
      stack: [[device('n', 'block-device', [8, 1])], [file('n/a', 'y')]],
      expected: ['n/', 'n/a = y'],
    },
    {
      what: 'a member below a file of a lower layer',
      stack: [[file('f', 'x')], [file('f/a', 'y')]],
      expected: ['f/', 'f/a = y'],
    },
    {
      what: 'a member below a file of a lower layer that has another name',
      stack: [[file('f', 'x'), hardLink('h', 'f')], [file('f/a', 'y')]],
      expected: ['f/', 'f/a = y', 'h = x'],
    },
    {
      what: 'a hard link to the file of a lower layer below which it is',
      stack: [[file('f', 'x')], [hardLink('f/a', 'f')]],
      expected: ['f/', 'f/a = x'],
    },
    {
      what: 'a member below a file of the layer in the place of a directory below',
      stack: [LOWER, [file('d', 'x'), file('d/c', 'new')]],
      expected: ['d/', 'd/c = new'],
    },
    {
      what: 'a member below a file that the next layer deletes',
      stack: [[file('f', 'x')], [file('f/a', 'y')], [whiteout('f/a')]],
      expected: ['f/'],
    },
    {
      what: 'a member below a file, and a deletion beside it',
      stack: [[file('f', 'x'), whiteout('f/b'), file('f/a', 'y'), whiteout('f/c')]],
      expected: ['f/', 'f/a = y'],
    },
    {
      what: 'a member below a file that comes again: the last holds',
      stack: [[file('f', 'x')], [file('f/a', 'y'), file('f', 'z')]],
      expected: ['f = z'],
    },
  ].map((one): MergeCase => ({
    ...one,
    differs: 'umoci replaces the file from 0.5, and refuses the layer before',
  })),
  {
    what: 'a member below a directory that is named, and was a file',
    stack: [[file('f', 'x')], [directory('f'), file('f/a', 'y')]],
    expected: ['f/', 'f/a = y'],
  },
  { what: 'the root as a directory', stack: [[directory('./'), file('a', 'x')]], expected: ['a = x'] },
  { what: 'the root as a file', stack: [[file('.', 'x')]], expected: 'layer-refused' },
  { what: 'the root as a symbolic link', stack: [[symlink('/', 'x')]], expected: 'layer-refused' },
  {
    what: 'names that differ in case, or in one byte',
    stack: [[file('a', '1'), file('A', '2'), file(Buffer.from([0xe9]), '3'), file('é', '4')]],
    expected: ['A = 2', 'a = 1', 'Ã© = 4', 'é = 3'],
  },
  {
    what: 'names that objects have',
    stack: [[file('__proto__', '1'), directory('constructor'), file('constructor/toString', '2')]],
    expected: ['__proto__ = 1', 'constructor/', 'constructor/toString = 2'],
  },
];
