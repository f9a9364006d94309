import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { removeTree, removingTree } from '../../../core/system/remove-tree.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openFiles } from '../../publisher/layer/open-files.ts';

describe('core/system/remove-tree', () => {
  let top: string;
  let tree: string;
  let precious: string;

  beforeEach(async () => {
    top = await temporaryDirectory('remove');
    tree = join(top, 'tree');
    precious = join(top, 'precious');
    mkdirSync(join(tree, 'sub/deep'), { recursive: true });
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), '');
    writeFileSync(join(tree, 'sub/file'), '');
  });

  function remove(path = tree): void {
    removeTree(Buffer.from(path));
  }

  it('removes a tree with whatever is in it, and follows no link', async () => {
    symlinkSync(precious, join(tree, 'link'));
    symlinkSync('nowhere', join(tree, 'sub/dangling'));
    const odd = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from('caf\xe9 \n', 'latin1')]);
    mkdirSync(odd);
    writeFileSync(Buffer.concat([odd, Buffer.from('/\xff', 'latin1')]), '');
    remove();
    assert.equal(existsSync(tree), false);
    assert.deepEqual(readdirSync(precious), ['file']);
    for (const path of [tree, join(top, 'moved')]) assert.deepEqual(await openFiles(path), []);
  });

  it('removes a tree in slices, one for each name in it', () => {
    assert.equal([...removingTree(Buffer.from(tree))].length, 3);
    assert.equal(existsSync(tree), false);
  });

  it('removes a file, a link alone, and nothing where nothing is', () => {
    remove(join(tree, 'sub/file'));
    symlinkSync(precious, join(tree, 'link'));
    remove(join(tree, 'link'));
    remove(join(tree, 'none'));
    assert.deepEqual(readdirSync(tree, { recursive: true, encoding: 'utf8' }).toSorted(), [
      'sub',
      'sub/deep',
    ]);
    assert.deepEqual(readdirSync(precious), ['file']);
  });

  it('removes nothing of what a link leads to that takes the place of a folder meanwhile', async () => {
    const { readdirSync: real } = fs;
    let isSwapped = false;
    // The owner of the folder acts right after it was looked at, and before it is read.
    const swapping = (...given: Parameters<typeof real>): unknown => {
      if (!isSwapped && real(given[0]).includes('deep')) {
        isSwapped = true;
        renameSync(join(tree, 'sub'), join(top, 'moved'));
        symlinkSync(precious, join(tree, 'sub'));
      }
      return real(...given);
    };
    Object.assign(fs, { readdirSync: swapping });
    syncBuiltinESMExports();
    try {
      assert.throws(() => remove(), { code: 'ENOTDIR' });
    } finally {
      Object.assign(fs, { readdirSync: real });
      syncBuiltinESMExports();
    }
    assert.ok(isSwapped);
    assert.deepEqual(readdirSync(precious), ['file']);
    assert.deepEqual(readdirSync(join(top, 'moved')), []);
    for (const path of [tree, join(top, 'moved')]) assert.deepEqual(await openFiles(path), []);
  });
});
