import assert from 'node:assert/strict';
import { FolderList } from '../../../../publisher/repository/directory/staging.ts';

describe('publisher/repository/directory/staging', () => {
  it('gives back folders in whatever order they came, the last one first', () => {
    const paths = [
      'a',
      'a/b',
      'a/b/c',
      'a/bc',
      'a/b/d',
      'x/y/z',
      'a/e',
      'ab',
      '\xff',
      '\xff/\x80',
      'x',
      'a/b/c/d',
    ];
    const list = new FolderList();
    const folders = paths.map((path, index) => ({
      path,
      attributes: { mode: index * 0o111, uid: index, gid: 0xffff_fffe - index, mtime: index - 2.5 },
    }));
    for (const { path, attributes } of folders) list.add(path, attributes);
    assert.deepEqual([...list.reversed()], folders.toReversed());
    assert.deepEqual([...list.reversed()], folders.toReversed());
  });

  it('is empty at first', () => {
    assert.deepEqual([...new FolderList().reversed()], []);
  });
});
