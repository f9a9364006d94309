import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { finishDirectory } from '../../../publisher/repository/inode.ts';
import { RealFolders } from '../../../publisher/repository/real-folders.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openFiles } from '../layer/open-files.ts';

describe('publisher/repository/real-folders', () => {
  let top: string;
  let outside: string;
  let folders: RealFolders;

  beforeEach(async () => {
    top = await temporaryDirectory('real');
    outside = await temporaryDirectory('outside');
    mkdirSync(join(top, 'a/b/c'), { recursive: true });
    mkdirSync(join(outside, 'c'));
    folders = new RealFolders(top);
  });
  afterEach(() => folders.close());

  function placeOf(path: string): Buffer {
    return folders.place(path)?.entry ?? assert.fail(`no place for ${path}`);
  }

  /** Puts a link in the place of a folder. */
  function plant(path: string): void {
    renameSync(join(top, path), join(top, 'moved'));
    symlinkSync(outside, join(top, path));
  }

  it('leads to what is in folders, in any order, and to what is not there yet', () => {
    for (const path of ['a/b/one', 'two', 'a/three', 'a/b/c/four', 'a/b/five', 'caf\xe9'])
      writeFileSync(placeOf(path), path);
    assert.deepEqual(readdirSync(top).toSorted(), ['a', 'caf\ufffd', 'two']);
    assert.deepEqual(readdirSync(join(top, 'a/b')).toSorted(), ['c', 'five', 'one']);
    assert.ok(existsSync(join(top, 'a/three')) && existsSync(join(top, 'a/b/c/four')));
    assert.equal(folders.place('a/none/x'), undefined);
  });

  it('refuses a link that was there before, and a file', () => {
    plant('a/b');
    for (const look of [() => folders.place('a/b/c/x'), () => folders.folderPlace('a/b')])
      assert.throws(look, {
        code: 'repository-unusable',
        message: /^a\/b in .* has become a symbolic link$/,
      });
    writeFileSync(join(top, 'file'), '');
    assert.throws(() => folders.place('file/x'), {
      code: 'repository-unusable',
      message: /has become a file/,
    });
  });

  for (const path of ['a', 'a/b', 'a/b/c'])
    it(`writes nothing through a link that takes the place of ${path} after it was looked at`, () => {
      const at = placeOf('a/b/c/x');
      plant(path);
      writeFileSync(at, 'x');
      assert.deepEqual(readdirSync(outside, { recursive: true }), ['c']);
    });

  it('gives no attributes to what a link leads to that takes the place of a folder', () => {
    const at = folders.folderPlace('a/b/c')?.entry ?? assert.fail();
    const { mode } = lstatSync(outside);
    renameSync(join(top, 'a/b/c'), join(top, 'moved'));
    symlinkSync(outside, join(top, 'a/b/c'));
    assert.throws(() => finishDirectory(at, { mode: 0o777, uid: 0, gid: 0, mtime: 0 }), { code: 'ENOTDIR' });
    assert.equal(lstatSync(outside).mode, mode);
  });

  it('leaves nothing open', async () => {
    placeOf('a/b/c/x');
    folders.close();
    for (const path of [top, join(top, 'a'), join(top, 'a/b/c')]) assert.deepEqual(await openFiles(path), []);
  });
});
