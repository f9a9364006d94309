import assert from 'node:assert/strict';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { withMount } from '../../../support/e2e/mounts.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { snapshot } from '../../../support/trees/snapshot.ts';
import { hole } from '../../../../publisher/publication/entry.ts';
import { directoryEntry, fileEntry, linkEntry, publication } from '../entries.ts';
import { Scene } from './scene.ts';
import { skip } from '../../../support/programs.ts';

describe('publisher/repository/directory/limits', () => {
  it('changes nothing when the space runs out', async function () {
    const root = await temporaryDirectory('full');
    await withMount(this, root, { type: 'tmpfs', options: 'size=1m' }, async () => {
      const scene = new Scene(root);
      await scene.publish([directoryEntry('tree'), fileEntry('tree/file', 'old')]);
      const before = await scene.published();
      const large = { ...fileEntry('tree/large'), sizeBytes: 2 ** 21, content: [Buffer.alloc(2 ** 21)] };
      const failure = await failureOf(
        scene.publish([fileEntry('new', 'x'), fileEntry('tree/file', 'new'), large]),
      );
      assert.equal(failure.code, 'disk-full');
      assert.deepEqual(await scene.published(), before);
      assert.deepEqual(scene.leftOver(), []);
      await scene.publish([fileEntry('tree/file', 'new')]);
    });
  });

  it('says so where there is no space at all, not even for its own files', async function () {
    const root = await temporaryDirectory('full');
    await withMount(this, root, { type: 'tmpfs', options: 'size=256k,nr_inodes=10' }, async () => {
      const filler = join(root, 'filler');
      writeFileSync(filler, Buffer.alloc(statfsSync(root).bavail * statfsSync(root).bsize));
      const scene = new Scene(root);
      assert.equal((await failureOf(scene.publish([fileEntry('new', 'x')]))).code, 'disk-full');
      rmSync(filler);
      await scene.publish([fileEntry('new', 'x')]);
      for (let inode = 0; statfsSync(root).ffree > 0; inode++) writeFileSync(join(root, `f${inode}`), '');
      assert.equal((await failureOf(new Scene(join(root, 'deeper')).open())).code, 'disk-full');
    });
  });

  it('is as before or as after, wherever the inodes run out', async function () {
    const root = await temporaryDirectory('full');
    await withMount(this, root, { type: 'tmpfs', options: 'size=1m,nr_inodes=40' }, async () => {
      const outcomes = new Set<string>();
      const scene = new Scene(root);
      await scene.publish([directoryEntry('tree')]);
      for (let files = 20; files < 40; files++) {
        const names = Array.from({ length: files }, (_, index) => `tree/${files}-${index}`);
        const before = await scene.published();
        try {
          await scene.publish(names.map((name) => fileEntry(name)));
          outcomes.add('published');
          assert.deepEqual([...(await scene.published()).keys()].sort(), ['tree', ...names].sort());
          await scene.publish(publication([], { deletions: names }));
        } catch (error) {
          outcomes.add('full');
          assert.equal((await failureOf(Promise.reject(error))).code, 'disk-full');
          assert.deepEqual(await scene.published(), before);
        }
        assert.deepEqual(scene.leftOver(), []);
      }
      assert.deepEqual([...outcomes], ['published', 'full']);
    });
  });

  it('is not usable where the repository is on another file system than what lies beside it', async function () {
    const scene = await Scene.make();
    mkdirSync(scene.repository);
    await withMount(this, scene.repository, { type: 'tmpfs', options: 'size=1m' }, async () => {
      assert.equal((await failureOf(scene.open())).code, 'repository-unusable');
    });
  });

  it('is not usable where the file system is mounted read-only', async function () {
    const root = await temporaryDirectory('read-only');
    await withMount(this, root, { type: 'tmpfs', options: 'ro' }, async () => {
      assert.equal((await failureOf(new Scene(root).open())).code, 'repository-unusable');
    });
  });

  it('copies a file that can have no further name', async function () {
    const scene = await Scene.make();
    const attributes = { mode: 0o4755, mtime: -5 };
    await scene.publish([fileEntry('file', 'content', attributes)]);
    const names = await temporaryDirectory('names');
    if (!takeAllNames(join(scene.repository, 'file'), names))
      skip(this, 'on a file system with names without end');
    const links = [
      linkEntry('tree/one', 'file'),
      linkEntry('tree/two', 'tree/one'),
      linkEntry('tree/three', 'file'),
    ];
    await scene.publish([directoryEntry('tree'), ...links]);
    const found = await snapshot(scene.repository);
    assert.equal(found.get('tree/one'), found.get('file'));
    assert.equal(found.get('tree/two'), found.get('file'));
    assert.notEqual(scene.stat('tree/one').ino, scene.stat('file').ino);
    for (const further of ['tree/two', 'tree/three'])
      assert.equal(scene.stat(further).ino, scene.stat('tree/one').ino, further);
  });

  it('makes holes of holes', async () => {
    const scene = await Scene.make();
    const sizeBytes = 2 ** 30;
    const parts = [...hole(2 ** 20), Buffer.from('content'), ...hole(sizeBytes - 2 ** 20 - 7)];
    await scene.publish([{ ...fileEntry('sparse'), sizeBytes, content: parts }]);
    const { size, blocks } = scene.stat('sparse');
    assert.equal(size, sizeBytes);
    assert.ok(blocks * 512 < 2 ** 20, `${blocks} blocks`);
    const fd = openSync(join(scene.repository, 'sparse'), 'r');
    const found = Buffer.alloc(9);
    readSync(fd, found, 0, 9, 2 ** 20 - 1);
    closeSync(fd);
    assert.equal(found.toString('latin1'), '\0content\0');
  });
});

/** Gives `file` as many names in `folder` as it may have; false: there is no such limit below 66,000. */
function takeAllNames(path: string, folder: string): boolean {
  try {
    for (let name = 0; name < 66_000; name++) linkSync(path, join(folder, String(name)));
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EMLINK') return true;
    throw error;
  }
}
