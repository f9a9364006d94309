import { device, directory, file, hardLink, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { LOWER, type MergeCase } from './merge-case.ts';

export const HARD_LINKS: readonly MergeCase[] = [
  {
    what: 'within a layer',
    stack: [[file('f', 'x'), hardLink('d/h', 'f')]],
    expected: ['d/', 'd/h = x', 'f == d/h'],
  },
  {
    what: 'a chain of them',
    stack: [[file('f', 'x'), hardLink('g', 'f'), hardLink('h', 'g')]],
    expected: ['f = x', 'g == f', 'h == f'],
  },
  {
    what: 'to a file that is overwritten later',
    stack: [[file('f', 'x'), hardLink('h', 'f'), file('f', 'y')]],
    expected: ['f = y', 'h = x'],
  },
  {
    what: 'to a file that was overwritten before',
    stack: [[file('f', 'x'), file('f', 'y'), hardLink('h', 'f')]],
    expected: ['f = y', 'h == f'],
  },
  {
    what: 'to a file whose first name is gone',
    stack: [[directory('d'), file('d/f', 'x'), hardLink('h', 'd/f'), hardLink('i', 'h'), file('d', 'y')]],
    expected: ['d = y', 'h = x', 'i == h'],
  },
  {
    what: 'in the place of a file',
    stack: [[file('f', 'x'), file('h', 'y'), hardLink('h', 'f')]],
    expected: ['f = x', 'h == f'],
  },
  {
    what: 'to a symbolic link: the link itself',
    stack: [[file('f', 'x'), symlink('s', 'f'), hardLink('h', 's')]],
    expected: ['f = x', 'h -> f', 's -> f'],
  },
  {
    what: 'to a device',
    stack: [[device('n', 'character-device', [1, 3]), hardLink('h', 'n')]],
    expected: ['h c 1:3', 'n c 1:3'],
  },
  {
    what: 'through a symbolic link of the layer',
    stack: [[directory('e'), file('e/f', 'x'), symlink('s', 'e'), hardLink('h', 's/f')]],
    expected: ['e/', 'e/f = x', 'h == e/f', 's -> e'],
  },
  {
    what: 'to a file of a lower layer',
    stack: [[file('f', 'x')], [hardLink('h', 'f')]],
    expected: ['f = x', 'h == f'],
  },
  {
    what: 'to a further name in a lower layer',
    stack: [[file('f', 'x'), hardLink('g', 'f')], [hardLink('h', 'g')]],
    expected: ['f = x', 'g == f', 'h == f'],
  },
  {
    what: 'over several layers',
    stack: [[file('f', 'x')], [hardLink('g', 'f')], [hardLink('h', 'g')]],
    expected: ['f = x', 'g == f', 'h == f'],
  },
  {
    what: 'to a link to a lower layer',
    stack: [[file('f', 'x')], [hardLink('g', 'f'), hardLink('h', 'g')]],
    expected: ['f = x', 'g == f', 'h == f'],
  },
  {
    what: 'to a file of a lower layer that is replaced later',
    stack: [[file('f', 'x')], [hardLink('h', 'f'), file('f', 'y')]],
    expected: ['f = y', 'h = x'],
  },
  {
    what: 'to a file of a lower layer that was replaced before',
    stack: [[file('f', 'x')], [file('f', 'y'), hardLink('h', 'f')]],
    expected: ['f = y', 'h == f'],
  },
  {
    what: 'to a file of a lower layer that is deleted later',
    stack: [[file('f', 'x')], [hardLink('h', 'f'), whiteout('f')]],
    expected: ['h = x'],
  },
  {
    what: 'to a file of a lower layer that is deleted before',
    stack: [[file('f', 'x')], [whiteout('f'), hardLink('h', 'f')]],
    expected: ['h = x'],
    differs: 'whiteouts hold for the layers below, wherever they stand',
  },
  {
    what: 'in the place of the directory in which it was',
    stack: [LOWER, [hardLink('d', 'd/a')]],
    expected: ['d = lower a'],
    differs: 'the directory would go before the link is made',
  },
  {
    what: 'to itself, in a lower layer',
    stack: [[file('f', 'x')], [hardLink('f', 'f')]],
    expected: ['f = x'],
    differs: 'the name would go before the link is made',
  },
  {
    what: 'through a symbolic link of a lower layer',
    stack: [[directory('e'), file('e/f', 'x'), symlink('s', 'e')], [hardLink('h', 's/f')]],
    expected: ['e/', 'e/f = x', 'h == e/f', 's -> e'],
  },
  {
    what: 'through a symbolic link of the layer in the place of a directory below',
    stack: [
      [file('d/f', 'old'), file('e/f', 'meant')],
      [symlink('d', 'e'), hardLink('h', 'd/f')],
    ],
    expected: ['d -> e', 'e/', 'e/f = meant', 'h == e/f'],
  },
  {
    what: 'to a file below which the layer deletes something',
    stack: [[file('f', 'x')], [whiteout('f/y'), hardLink('h', 'f')]],
    expected: ['f = x', 'h == f'],
  },
  {
    what: 'to a symbolic link of a lower layer',
    stack: [[symlink('s', 'x')], [hardLink('h', 's')]],
    expected: ['h -> x', 's -> x'],
  },
  { what: 'to nothing', stack: [[hardLink('h', 'f')]], expected: 'layer-corrupt' },
  {
    what: 'to what a lower layer deleted',
    stack: [[file('f', 'x')], [whiteout('f')], [hardLink('h', 'f')]],
    expected: 'layer-corrupt',
  },
  { what: 'to what comes later', stack: [[hardLink('h', 'f'), file('f', 'x')]], expected: 'layer-corrupt' },
  { what: 'through a circle', stack: [[symlink('s', 's'), hardLink('h', 's/f')]], expected: 'layer-corrupt' },
  { what: 'to a directory', stack: [[directory('d'), hardLink('h', 'd')]], expected: 'layer-refused' },
  { what: 'to the root', stack: [[hardLink('h', '/')]], expected: 'layer-corrupt' },
  {
    what: 'to a directory of a lower layer',
    stack: [LOWER, [hardLink('h', 'd')]],
    expected: 'layer-corrupt',
  },
];

const TREE = [directory('e'), directory('e/f'), file('e/f/x', 'lower')];
const TREE_LINES = ['e/', 'e/f/', 'e/f/x = lower'];

export const SYMBOLIC_LINKS: readonly MergeCase[] = [
  {
    what: 'of the layer',
    stack: [[...TREE, symlink('s', 'e/f'), file('s/y', 'new')]],
    expected: [...TREE_LINES, 'e/f/y = new', 's -> e/f'],
  },
  {
    what: 'of the layer, to what comes later',
    stack: [[symlink('s', 'e'), file('s/y', 'new'), directory('e', { mode: 0o700 })]],
    expected: ['e/ 700', 'e/y = new', 's -> e'],
  },
  {
    what: 'of a lower layer',
    stack: [[...TREE, symlink('s', 'e/f')], [file('s/y', 'new')]],
    expected: [...TREE_LINES, 'e/f/y = new', 's -> e/f'],
  },
  {
    what: 'of two lower layers',
    stack: [TREE, [symlink('s', 'e/f')], [file('s/y', 'new')], [file('s/z', 'new')]],
    expected: [...TREE_LINES, 'e/f/y = new', 'e/f/z = new', 's -> e/f'],
  },
  {
    what: 'with an absolute target',
    stack: [[...TREE, directory('d'), symlink('d/s', '/e/f')], [file('d/s/y', 'new')]],
    expected: ['d/', 'd/s -> /e/f', ...TREE_LINES, 'e/f/y = new'],
  },
  {
    what: 'with .. in the target',
    stack: [[...TREE, directory('d'), symlink('d/s', '../e/./f')], [file('d/s/y', 'new')]],
    expected: ['d/', 'd/s -> ../e/./f', ...TREE_LINES, 'e/f/y = new'],
  },
  {
    what: 'with .. that leads above the root',
    stack: [[...TREE, symlink('e/s', '../../../../e')], [file('e/s/y', 'new')]],
    expected: ['e/', 'e/f/', 'e/f/x = lower', 'e/s -> ../../../../e', 'e/y = new'],
  },
  {
    what: 'with an absolute target above the root',
    stack: [[symlink('s', '/../../etc'), file('s/passwd', 'new')]],
    expected: ['etc/', 'etc/passwd = new', 's -> /../../etc'],
  },
  {
    what: 'to the root',
    stack: [[...TREE, symlink('s', '/')], [file('s/y', 'new')]],
    expected: [...TREE_LINES, 's -> /', 'y = new'],
  },
  {
    what: 'to its own folder',
    stack: [[...TREE, symlink('e/s', '.')], [file('e/s/s/s/y', 'new')]],
    expected: ['e/', 'e/f/', 'e/f/x = lower', 'e/s -> .', 'e/y = new'],
  },
  {
    what: 'to another one',
    stack: [[...TREE, symlink('s', 't'), symlink('t', 'e')], [file('s/y', 'new')]],
    expected: [...TREE_LINES, 'e/y = new', 's -> t', 't -> e'],
  },
  {
    what: 'that another one leads through',
    stack: [[...TREE, symlink('s', 'e'), symlink('e/t', 'f')], [file('s/t/y', 'new')]],
    expected: ['e/', 'e/f/', 'e/f/x = lower', 'e/f/y = new', 'e/t -> f', 's -> e'],
  },
  {
    what: 'of the layer that leads through one below',
    stack: [
      [...TREE, symlink('t', 'e')],
      [symlink('s', 't/f'), file('s/y', 'new')],
    ],
    expected: [...TREE_LINES, 'e/f/y = new', 's -> t/f', 't -> e'],
  },
  {
    what: 'to nothing: it is made',
    stack: [[symlink('s', 'new/folder')], [file('s/y', 'new')]],
    expected: ['new/', 'new/folder/', 'new/folder/y = new', 's -> new/folder'],
  },
  {
    what: 'to a file: that becomes a directory',
    stack: [[file('f', 'x'), symlink('s', 'f')], [file('s/y', 'new')]],
    expected: ['f/', 'f/y = new', 's -> f'],
    differs: 'umoci replaces the file from 0.5, and refuses the layer before',
  },
  {
    what: 'to a file of the layer',
    stack: [[file('f', 'x'), symlink('s', 'f'), file('s/y', 'new')]],
    expected: ['f/', 'f/y = new', 's -> f'],
    differs: 'umoci replaces the file from 0.5, and refuses the layer before',
  },
  {
    what: 'to something below a file',
    stack: [[file('f', 'x'), symlink('s', 'f/g')], [file('s/y', 'new')]],
    expected: ['f/', 'f/g/', 'f/g/y = new', 's -> f/g'],
    differs: 'umoci replaces the file from 0.5, and refuses the layer before',
  },
  {
    what: 'to a file, for a deletion alone',
    stack: [[file('f', 'x'), symlink('s', 'f')], [whiteout('s/y')]],
    expected: ['f = x', 's -> f'],
  },
  {
    what: 'in a circle',
    stack: [[symlink('s', 't'), symlink('t', 's')], [file('s/y', 'new')]],
    expected: 'layer-refused',
  },
  {
    what: 'in a circle of the layer',
    stack: [[symlink('s', 's/t'), file('s/y', 'new')]],
    expected: 'layer-refused',
  },
  {
    what: 'that the layer replaces by a directory first',
    stack: [
      [...TREE, symlink('s', 'e')],
      [directory('s'), file('s/y', 'new')],
    ],
    expected: [...TREE_LINES, 's/', 's/y = new'],
  },
  {
    what: 'as a member itself: replaced, not followed',
    stack: [[...TREE, symlink('s', 'e')], [symlink('s', 'd')]],
    expected: [...TREE_LINES, 's -> d'],
  },
  {
    what: 'with a directory as member below',
    stack: [[...TREE, symlink('s', 'e')], [directory('s/f', { mode: 0o700 })]],
    expected: ['e/', 'e/f/ 700', 'e/f/x = lower', 's -> e'],
  },
];
