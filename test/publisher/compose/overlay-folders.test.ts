import assert from 'node:assert/strict';
import type { StackedLayer } from '../../../publisher/tree/image-trees.ts';
import { ImageMeter } from '../../../publisher/image/image-limits.ts';
import { overlayFolders } from '../../../publisher/compose/overlay-folders.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { NO_FACTS, layerAt, mergedStack, type Stack } from '../tree/stack.ts';

/** The folders that an overlay mount shows: `!` marks those that differ from the image, `o` those that are opaque. */
const CASES: readonly (readonly [what: string, stack: Stack, folders: readonly string[]])[] = [
  ['nothing', [], []],
  ['the folders of a layer', [[directory('a'), directory('a/b'), file('c')]], ['', 'a']],
  [
    'a folder that is described in each layer',
    [[directory('a', { mode: 0o700 })], [directory('a'), file('a/x')]],
    ['', 'a'],
  ],
  ['a folder that nobody describes', [[file('a/x')], [file('a/y')]], ['', 'a']],
  [
    'a folder that the upper layer does not describe',
    [[directory('a', { mode: 0o700 })], [file('a/y')]],
    ['', '!a'],
  ],
  ['one whose owner differs', [[directory('a', { gid: 5 })], [file('a/y')]], ['', '!a']],
  [
    'one that a third layer describes again',
    [[directory('a', { uid: 5 })], [file('a/y')], [directory('a')]],
    ['', 'a'],
  ],
  ['the root', [[directory('./', { mode: 0o700 })], [file('x')]], ['!']],
  [
    'a folder above which a folder was replaced',
    [[directory('a', { mode: 0o700 })], [whiteout('a')], [file('a/x')]],
    ['', 'a'],
  ],
  [
    'a folder in which is only deleted',
    [[directory('a', { mode: 0o700 }), file('a/x')], [whiteout('a/x')]],
    ['', '!a'],
  ],
  ['deletions where nothing is', [[file('x')], [whiteout('no/where')]], ['', '!no']],
  ['deletions in a folder that is new', [[file('x')], [directory('d'), whiteout('d/y')]], ['', 'd', '!d/y']],
  [
    'no deletions in an opaque folder',
    [[file('x')], [directory('d'), opaque('d'), whiteout('d/y')]],
    ['', 'od'],
  ],
  ['deletions below a file', [[file('x')], [whiteout('x/y')]], ['', '!x']],
  ['a folder in the place of a link', [[directory('d'), symlink('s', 'd')], [file('s/x')]], ['', '!s', 'd']],
  ['a hard link to a lower layer', [[file('x')], [hardLink('d/y', 'x')]], ['', 'd', '!d/y']],
  ['a hard link over another file', [[file('x'), file('y')], [hardLink('y', 'x')]], ['', '!y']],
  ['a hard link that is as it was', [[file('x'), hardLink('y', 'x')], [hardLink('y', 'x')]], ['']],
  ['a hard link that a layer above replaces', [[file('x')], [hardLink('y', 'x')], [file('y')]], ['']],
  ['a hard link over a hard link', [[file('x')], [hardLink('y', 'x')], [hardLink('y', 'x')]], ['', '!y']],
  ['no hard links within a layer', [[file('x')], [file('y'), hardLink('z', 'y')]], ['']],
  [
    'opaque folders',
    [
      [directory('a'), file('a/b/c')],
      [directory('a'), opaque('a'), file('a/d/e')],
    ],
    ['', 'oa', 'a/d'],
  ],
  [
    'an opaque root',
    [
      [directory('a'), file('b')],
      [opaque(''), directory('c')],
    ],
    ['!', 'o', 'c'],
  ],
];

describe('publisher/compose/overlay-folders', () => {
  for (const [what, stack, folders] of CASES) {
    it(`finds ${what}`, () => {
      const found = [...overlayFolders(stackedLayers(stack), new ImageMeter())].flatMap((one) =>
        one === undefined ? [] : `${one.differs ? '!' : ''}${one.isOpaque ? 'o' : ''}${one.path}`,
      );
      assert.deepEqual(found.sort(), [...folders].sort());
    });
  }
});

function stackedLayers(stack: Stack): StackedLayer[] {
  const { layers, trees } = mergedStack(stack);
  return layers.flatMap((layerTree, index) => {
    const rootfs = trees[index];
    return rootfs === undefined ? [] : [{ layer: layerAt(index), facts: NO_FACTS, layerTree, rootfs }];
  });
}
