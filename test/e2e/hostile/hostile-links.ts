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
import type { HostileCases } from './hostile-case.ts';

const UP = '../'.repeat(12);
/** A folder stands in `.layers` where the image has a link. */
const OVERLAY = /overlay mounts of \.layers \(podman, containerd\) show 1 path other/;

/** Links out of the tree, and what goes through them or takes their place. */
export const linkCases: HostileCases = ({ path, inImage }) => [
  {
    what: 'a file through a link to the host',
    layers: [[symlink('d', path), file('d/file', 'image')]],
    has: [`d -> ${path}`, `${inImage}/file = image`],
  },
  {
    what: 'a file through a link of a lower layer',
    layers: [[symlink('d', path)], [file('d/file', 'image')]],
    has: [`d -> ${path}`, `${inImage}/file = image`],
    warning: OVERLAY,
  },
  {
    what: 'a file through a link with "..", which ends at the root of the image',
    layers: [[symlink('a/up', UP), file('a/up/escape', 'image')]],
    has: ['escape = image'],
  },
  {
    what: 'the same, over two layers',
    layers: [[directory('a'), symlink('a/up', `${UP}${inImage}`)], [file('a/up/file', 'image')]],
    has: [`${inImage}/file = image`],
    warning: OVERLAY,
  },
  {
    what: 'a file through a chain of links',
    layers: [[symlink('a', 'b'), symlink('b', './c'), symlink('c', path), file('a/file', 'image')]],
    has: [`${inImage}/file = image`],
  },
  {
    what: 'links in a circle',
    layers: [[symlink('a', 'b'), symlink('b', 'a'), file('a/file', 'image')]],
    code: 'layer-refused',
  },
  {
    what: 'links in a circle, over two layers',
    layers: [[symlink('a', 'b'), symlink('b', 'a')], [file('a/file', 'image')]],
    code: 'layer-refused',
  },
  {
    what: 'a hard link to a file of the host',
    layers: [[hardLink('h', `${path}/file`)]],
    code: 'layer-corrupt',
  },
  {
    what: 'a hard link to a file of the host, through a link',
    layers: [[symlink('d', path), hardLink('h', 'd/file')]],
    code: 'layer-corrupt',
  },
  {
    what: 'the same, over two layers',
    layers: [[symlink('d', path)], [hardLink('h', 'd/file')]],
    code: 'layer-corrupt',
  },
  {
    what: 'a hard link to a link to the host',
    layers: [[symlink('s', `${path}/file`), hardLink('h', 's')]],
    has: [`s -> ${path}/file`, `h -> ${path}/file`],
  },
  {
    what: 'a file written through such a hard link',
    layers: [[symlink('s', `${path}/file`), hardLink('h', 's'), file('h', 'image')]],
    has: [`s -> ${path}/file`, 'h = image'],
  },
  { what: 'a hard link to itself', layers: [[hardLink('h', 'h')]], code: 'layer-corrupt' },
  {
    what: 'hard links in a circle',
    layers: [[hardLink('a', 'b'), hardLink('b', 'a')]],
    code: 'layer-corrupt',
  },
  { what: 'a hard link to a folder', layers: [[directory('d'), hardLink('h', 'd')]], code: 'layer-refused' },
  {
    what: 'a hard link to a folder of a lower layer',
    layers: [[directory('d')], [hardLink('h', 'd')]],
    code: 'layer-corrupt',
  },
  {
    what: 'a link that is replaced by a file',
    layers: [[symlink('f', `${path}/file`), file('f', 'image')]],
    has: ['f = image'],
  },
  {
    what: 'a link that is replaced by a file in the next layer',
    layers: [[symlink('f', `${path}/file`)], [file('f', 'image')]],
    has: ['f = image'],
  },
  {
    what: 'a link that is replaced by a folder with a file',
    layers: [[symlink('d', path), directory('d', { mode: 0o777, uid: 1234 }), file('d/file', 'image')]],
    has: ['d/ 777', 'd/file = image'],
    lacks: [inImage],
  },
  {
    what: 'the same, over two layers',
    layers: [[symlink('d', path)], [directory('d', { mode: 0o777, uid: 1234 }), file('d/file', 'image')]],
    has: ['d/ 777', 'd/file = image'],
    lacks: [inImage],
  },
  {
    what: 'a folder that is replaced by a link and back',
    layers: [[directory('d'), file('d/a', 'a'), symlink('d', path), directory('d'), file('d/file', 'image')]],
    has: ['d/', 'd/file = image'],
    lacks: ['d/a', inImage],
  },
  {
    what: 'the same, over three layers',
    layers: [
      [directory('d'), file('d/a', 'a')],
      [whiteout('d'), symlink('d', path)],
      [directory('d'), file('d/file', 'image')],
    ],
    has: ['d/', 'd/file = image'],
    lacks: ['d/a', inImage],
  },
  {
    what: 'the same, with a link that goes on',
    layers: [
      [directory('d'), file('d/a', 'a')],
      [whiteout('d'), symlink('d', path)],
      [file('d/file', 'image')],
      [whiteout('d'), directory('d')],
    ],
    has: ['d/', `${inImage}/file = image`],
    lacks: ['d/a', 'd/file'],
  },
  {
    what: 'a link in the place of a folder above others',
    layers: [
      [directory('a/b/c'), file('a/b/c/f', 'x')],
      [symlink('a/b', path), file('a/b/c/f', 'image')],
    ],
    has: [`a/b -> ${path}`, `${inImage}/c/f = image`],
  },
  {
    what: 'a device in the place of a link',
    layers: [[symlink('n', `${path}/file`), device('n', 'character-device', [1, 3], { mode: 0o666 })]],
    has: ['n c 1:3'],
  },
  {
    what: 'a fifo in the place of a link, in the next layer',
    layers: [[symlink('p', `${path}/file`)], [fifo('p', { mode: 0o666 })]],
    has: ['p p'],
  },
  {
    what: 'a deletion through a link to the host',
    layers: [[symlink('d', path)], [whiteout('d/file')]],
    has: [`d -> ${path}`],
    lacks: [inImage],
    warning: OVERLAY,
  },
  {
    what: 'an opaque folder through a link to the host',
    layers: [[symlink('d', path)], [opaque('d'), file('d/file', 'image')]],
    has: [`d -> ${path}`, `${inImage}/file = image`],
    warning: OVERLAY,
  },
  {
    what: 'the deletion of a link to the host',
    layers: [
      [symlink('d', path), symlink('e', path)],
      [whiteout('d'), whiteout('e')],
    ],
    lacks: ['d', 'e'],
  },
  {
    what: 'a link that names what is outside of any image',
    layers: [[symlink('s', `${UP}proc/self/root/${inImage}`), symlink('t', '/proc/self/cwd')]],
    has: [`s -> ${UP}proc/self/root/${inImage}`, 't -> /proc/self/cwd'],
  },
];
