import assert from 'node:assert/strict';
import { treeOf } from './at-once.ts';
import { nodeAt } from '../../../publisher/tree/resolve.ts';
import type { AnyNode } from '../../../publisher/tree/node.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { deepFreeze, layerAt, layerTreeOf, listingOf, treeLines } from './stack.ts';

describe('publisher/tree/layer-tree', () => {
  const cases: [what: string, entries: LayerEntry[], lines: string[]][] = [
    ['nothing', [], []],
    ['a directory that a member names', [directory('d', { mode: 0o700 })], ['d/ 700']],
    ['a directory that no member names', [file('d/a', 'x')], ['d/ implied', 'd/a = x']],
    [
      'a directory that a member names after others lie below it',
      [file('d/a', 'x'), directory('d')],
      ['d/', 'd/a = x'],
    ],
    ['a deletion', [whiteout('a')], ['a deleted']],
    ['a deletion in a folder that no member names', [whiteout('d/a')], ['d/ implied', 'd/a deleted']],
    ['a deletion of what the layer brings as a file', [whiteout('a'), file('a', 'x')], ['a = x']],
    ['a deletion of what the layer brings as a directory', [directory('d'), whiteout('d')], ['d/ opaque']],
    [
      'a deletion of what the layer brings by a member below',
      [file('d/a', 'x'), whiteout('d')],
      ['d/ opaque', 'd/a = x'],
    ],
    ['a deletion of a folder in which others are deleted', [whiteout('d/a'), whiteout('d')], ['d deleted']],
    ['an opaque directory', [opaque('d')], ['d/ implied opaque']],
    ['an opaque directory that a member names', [directory('d'), opaque('d')], ['d/ opaque']],
    ['a directory in the place of a file of the layer', [file('d', 'x'), directory('d')], ['d/ opaque']],
    ['a directory twice', [directory('d'), directory('d')], ['d/']],
    ['a hard link to a lower layer', [hardLink('h', 'd/f')], ['h foreign d/f']],
    [
      'a hard link to a lower layer through a symbolic link of this one',
      [symlink('s', '/d'), hardLink('h', 's/f')],
      ['h foreign d/f', 's -> /d'],
    ],
    ['a hard link to such a link', [hardLink('h', 'f'), hardLink('i', 'h')], ['h foreign f', 'i foreign f']],
    [
      'a hard link to what the layer deletes in lower ones',
      [whiteout('f/x'), hardLink('h', 'f')],
      ['f/ implied', 'f/x deleted', 'h foreign f'],
    ],
    ['a name like a whiteout', [file('.wh', 'x'), file('a.wh.b', 'y')], ['.wh = x', 'a.wh.b = y']],
    ['a whiteout of a whiteout', [file('.wh..wh.a')], []],
    ['a whiteout in any form', [directory('.wh.d'), symlink('.wh.s', 'x')], ['d deleted', 's deleted']],
  ];
  for (const [what, entries, lines] of cases) {
    it(`holds ${what}`, () => {
      assert.deepEqual(treeLines(layerTreeOf(entries).root, [entries]), lines);
    });
  }

  it('marks an opaque root', () => {
    assert.equal(layerTreeOf([opaque('')]).root.opaque, true);
    assert.equal(layerTreeOf([file('a')]).root.opaque, false);
  });

  it('takes the attributes of the root from its member', () => {
    const { root } = layerTreeOf([directory('./', { mode: 0o711, uid: 5, xattrs: { 'user.x': 'y' } })]);
    assert.equal(root.implied, false);
    assert.deepEqual(root.attributes, { mode: 0o711, uid: 5, gid: 0, mtime: 1_700_000_000 });
    assert.deepEqual(root.xattrs, new Map([['user.x', 'y']]));
    assert.equal(layerTreeOf([file('a')]).root.implied, true);
  });

  it('reports what is left out because CernVM-FS would act on it, and nothing else', () => {
    const { dropped } = layerTreeOf([
      file('a'),
      file('.cvmfscatalog'),
      directory('d/.cvmfsdirtab'),
      file('d/.cvmfsdirtab/x'),
      symlink('.cvmfsgraft-\xff', 'x'),
      whiteout('e/.cvmfscatalog'),
      file('.wh..wh.plnk/x'),
      hardLink('.cvmfsbundles', 'a'),
      hardLink('to', '.cvmfsbundles'),
      hardLink('below', '.cvmfsautocatalog'),
    ]);
    assert.deepEqual(dropped, [
      '.cvmfscatalog',
      'd/.cvmfsdirtab',
      'd/.cvmfsdirtab/x',
      '.cvmfsgraft-\xc3\xbf',
      'e/.wh..cvmfscatalog',
      '.cvmfsbundles',
      'below',
    ]);
  });

  it('says where each content is: the ordinal of its member, and a name that is still there', () => {
    const entries = [
      directory('d'),
      file('d/first', '1'),
      hardLink('d/second', 'd/first'),
      file('d/first', '2'),
      hardLink('third', 'd/second'),
    ];
    const { root } = layerTreeOf(entries, 7);
    assert.deepEqual(sourceOf(root, 'd/first'), {
      kind: 'layer',
      layer: layerAt(7),
      ordinal: 3,
      path: 'd/first',
    });
    assert.deepEqual(sourceOf(root, 'd/second'), {
      kind: 'layer',
      layer: layerAt(7),
      ordinal: 1,
      path: 'd/second',
    });
    assert.deepEqual(sourceOf(root, 'third'), sourceOf(root, 'd/second'));
  });

  it('changes nothing of the listing', () => {
    const listing = deepFreeze(listingOf([directory('d'), file('d/a', 'x'), directory('d'), whiteout('d')]));
    assert.equal([...treeOf(listing, layerAt(0)).root.children].length, 1);
  });
});

function sourceOf(root: AnyNode, path: string): unknown {
  const node = nodeAt<AnyNode>(root, path);
  assert.ok(node?.type === 'file' && node.source.kind === 'layer');
  const { kind, layer, ordinal, path: place } = node.source;
  return { kind, layer, ordinal, path: place };
}
