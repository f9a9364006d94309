import assert from 'node:assert/strict';
import { ImageMeter } from '../../../publisher/image/image-limits.ts';
import { entryAt, entryPath, nodeAt, resolvePath } from '../../../publisher/tree/resolve.ts';
import type { TreeNode } from '../../../publisher/tree/node.ts';
import { directory, file, symlink } from '../../support/images/layer-entry.ts';
import { mergedStack } from './stack.ts';

const { top } = mergedStack([
  [
    directory('a/b'),
    file('a/b/f', 'x'),
    symlink('relative', 'a/b'),
    symlink('absolute', '/a/b'),
    symlink('above', '../../../a'),
    symlink('a/up', '..'),
    symlink('a/twice', '../relative'),
    symlink('dangling', 'a/missing/x'),
    symlink('root', '/'),
    symlink('dots', './a/./b/../b/'),
    symlink('slashes', '//a//b//'),
    symlink('circle', 'circle'),
    symlink('one', 'other/x'),
    symlink('other', 'one'),
    symlink('link0', 'a'),
    ...Array.from({ length: 45 }, (_, index) => symlink(`link${index + 1}`, `link${index}`)),
  ],
]);

describe('publisher/tree/resolve', () => {
  const paths: [path: string, resolved: string | undefined][] = [
    ['', ''],
    ['a', 'a'],
    ['a/b/f', 'a/b/f'],
    ['missing/x', 'missing/x'],
    ['relative', 'a/b'],
    ['relative/f', 'a/b/f'],
    ['absolute/x', 'a/b/x'],
    ['above/b', 'a/b'],
    ['a/up', ''],
    ['a/up/a/up/a/b', 'a/b'],
    ['a/twice/f', 'a/b/f'],
    ['dangling/y', 'a/missing/x/y'],
    ['root', ''],
    ['root/root/a', 'a'],
    ['dots/f', 'a/b/f'],
    ['slashes', 'a/b'],
    ['/a/./b//f/', 'a/b/f'],
    ['a/../relative/..', 'a'],
    ['../..', ''],
    ['a/b/f/x', 'a/b/f/x'],
    ['a/missing/../b', 'a/b'],
    ['circle', undefined],
    ['circle/x', undefined],
    ['one/y', undefined],
    ['link39/b', 'a/b'],
    ['link40/b', undefined],
  ];
  for (const [path, resolved] of paths) {
    it(`follows ${JSON.stringify(path)} to ${JSON.stringify(resolved) ?? 'nowhere'}`, () => {
      assert.equal(resolvePath<TreeNode>(top, path, new ImageMeter()), resolved);
    });
  }

  const entries: [path: string, place: string | undefined, type: string | undefined][] = [
    ['', '', 'directory'],
    ['relative', 'relative', 'symlink'],
    ['relative/f', 'a/b/f', 'file'],
    ['a/twice', 'a/twice', 'symlink'],
    ['a/up/circle', 'circle', 'symlink'],
    ['circle/x', undefined, undefined],
    ['relative/missing', 'a/b/missing', undefined],
  ];
  for (const [path, place, type] of entries) {
    it(`finds ${type ?? 'nothing'} at ${JSON.stringify(path)}, without following it`, () => {
      assert.equal(entryPath<TreeNode>(top, path, new ImageMeter()), place);
      assert.equal(entryAt<TreeNode>(top, path, new ImageMeter())?.type, type);
    });
  }

  it('follows no link to a node', () => {
    assert.equal(nodeAt<TreeNode>(top, ''), top);
    assert.equal(nodeAt<TreeNode>(top, 'a/b/f')?.type, 'file');
    assert.equal(nodeAt<TreeNode>(top, 'relative/f'), undefined);
    assert.equal(nodeAt<TreeNode>(top, 'a/b/f/x'), undefined);
  });
});
