import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../../publisher/publication/entry.ts';
import { Failure, type FailureCode } from '../../../../core/failure.ts';
import { getAttribute, listAttributes, storesAttributes } from '../../../support/cvmfs-server/system.ts';
import { needsRoot, skip } from '../../../support/programs.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { snapshot } from '../../../support/trees/snapshot.ts';
import {
  directoryEntry,
  fileEntry,
  linkEntry,
  publication,
  specialEntry,
  symlinkEntry,
  uninterrupted,
} from '../entries.ts';
import { NAME, Scene } from './scene.ts';

describe('publisher/repository/directory/backend', () => {
  describe('publishes', () => {
    it('directories, files, links and symbolic links with their attributes', async () => {
      const scene = await Scene.make();
      await scene.publish([
        directoryEntry('tree', { mode: 0o2750, mtime: 1000 }),
        directoryEntry('tree/inner', { mode: 0o555, mtime: 2000.5 }),
        fileEntry('tree/inner/file', 'content', { mode: 0o640, mtime: 3000 }),
        fileEntry('tree/empty', '', { mode: 0o600, mtime: 4000 }),
        linkEntry('tree/inner/again', 'tree/inner/file'),
        symlinkEntry('tree/pointing', '../no/where', { mtime: 5000 }),
      ]);
      const { uid, gid } = scene.stat('');
      const found = await scene.published();
      const line = found.get('tree/inner/file') ?? '';
      assert.match(line, new RegExp(`^file 0640 ${uid}:${gid} 7 3000 `));
      assert.deepEqual(
        [...found]
          .filter(([path]) => path !== 'tree/inner/file' && path !== 'tree/empty')
          .sort(([a], [b]) => (a < b ? -1 : 1)),
        [
          ['tree', `directory 2750 ${uid}:${gid} 1000`],
          ['tree/inner', `directory 0555 ${uid}:${gid} 2000`],
          ['tree/inner/again', line],
          ['tree/pointing', `link ${uid}:${gid} -> ../no/where`],
        ],
      );
      assert.equal(scene.stat('tree/pointing').mtimeMs, 5_000_000);
      assert.equal(scene.stat('tree/inner').mtimeMs, 2_000_500);
      assert.deepEqual(scene.leftOver(), []);
      assert.deepEqual(scene.said, []);
    });

    it('times before 1970', async () => {
      const scene = await Scene.make();
      const [mtime, mtimeMs] = [-86_400.5, -86_400_500];
      await scene.publish([
        directoryEntry('tree', { mtime }),
        directoryEntry('tree/inner', { mtime }),
        fileEntry('tree/file', '', { mtime }),
        symlinkEntry('tree/link', 'file', { mtime }),
        specialEntry('tree/fifo', 'fifo', { mtime }),
      ]);
      for (const path of ['tree', 'tree/inner', 'tree/file', 'tree/link', 'tree/fifo'])
        assert.equal(scene.stat(path).mtimeMs, mtimeMs, path);
    });

    it('hard links that share an inode, also with what was published before', async () => {
      const scene = await Scene.make();
      await scene.publish([
        directoryEntry('a'),
        fileEntry('a/file', 'content'),
        linkEntry('a/second', 'a/file'),
      ]);
      await scene.publish([directoryEntry('b'), linkEntry('b/third', 'a/file'), linkEntry('top', 'b/third')]);
      const paths = ['a/file', 'a/second', 'b/third', 'top'];
      assert.equal(new Set(paths.map((path) => scene.stat(path).ino)).size, 1);
      assert.equal(scene.stat('top').nlink, 4);
    });

    it('names of any bytes', async () => {
      const scene = await Scene.make();
      const names = ['caf\xe9', '\xff\xfe', 'new\nline', ' ', '-rf', 'n'.repeat(255)];
      const entries = names.flatMap((name) => [
        directoryEntry(`tree/${name}`),
        fileEntry(`tree/${name}/${name}`, 'content'),
        symlinkEntry(`tree/${name}/link`, name),
      ]);
      await scene.publish([directoryEntry('tree'), ...entries, ...names.map((name) => fileEntry(name))]);
      const found = [...(await scene.published()).keys()];
      assert.deepEqual(found.sort(), ['tree', ...names, ...entries.map(({ path }) => path)].sort());
    });

    it('deletions, fifos and contents of any size', async () => {
      const scene = await Scene.make();
      const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(100_000, index));
      await scene.publish([
        specialEntry('deleted', 'character-device', { mode: 0 }),
        specialEntry('fifo', 'fifo', { mode: 0o640 }),
        { ...fileEntry('large'), sizeBytes: 4_000_000, content: pieces },
      ]);
      assert.equal(scene.stat('deleted').isCharacterDevice(), true);
      assert.equal(scene.stat('deleted').rdev, 0);
      assert.equal(scene.stat('fifo').isFIFO(), true);
      assert.equal(scene.stat('fifo').mode & 0o7777, 0o640);
      assert.ok(readFileSync(scene.path('large')).equals(Buffer.concat(pieces)));
    });

    it('owners, set-uid bits, mode 000 and devices, as root', async function () {
      needsRoot(this);
      const scene = await Scene.make();
      await scene.publish([
        directoryEntry('tree', { mode: 0, uid: 1, gid: 2 }),
        fileEntry('tree/setuid', '', { mode: 0o6755, uid: 3, gid: 4 }),
        fileEntry('tree/secret', '', { mode: 0, uid: 4_000_000, gid: 5 }),
        linkEntry('tree/same', 'tree/secret'),
        symlinkEntry('tree/link', 'secret', { uid: 6, gid: 7 }),
        specialEntry('tree/null', 'character-device', { mode: 0o666, uid: 8, gid: 9, major: 1, minor: 3 }),
        specialEntry('tree/disk', 'block-device', { mode: 0o660, gid: 6, major: 259, minor: 70_000 }),
      ]);
      const found = await scene.published();
      assert.equal(found.get('tree'), 'directory 0000 1:2 1700000000');
      assert.match(found.get('tree/setuid') ?? '', /^file 6755 3:4 /);
      assert.match(found.get('tree/secret') ?? '', /^file 0000 4000000:5 /);
      assert.equal(found.get('tree/same'), found.get('tree/secret'));
      assert.equal(found.get('tree/link'), 'link 6:7 -> secret');
      assert.equal(found.get('tree/null'), 'special 20000 0666 8:9 259');
      assert.match(found.get('tree/disk') ?? '', /^special 60000 0660 0:6 /);
      assert.deepEqual(scene.said, []);
    });

    it('extended attributes, as root', async function () {
      needsRoot(this);
      const scene = await Scene.make();
      if (!storesAttributes(Buffer.from(scene.root))) skip(this, 'on a file system without attributes');
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');
      const opaque = new Map([
        ['trusted.overlay.opaque', 'y'],
        ['user.overlay.opaque', 'y'],
      ]);
      const xattrs = [
        { path: 'tree', values: opaque },
        { path: 'tree/in', values: opaque },
        { path: 'tree/ping', values: new Map([['security.capability', capability]]) },
      ];
      const ping = fileEntry('tree/ping', 'x', { mode: 0o755, uid: 1 });
      const entries = [directoryEntry('tree', { uid: 5 }), directoryEntry('tree/in', { uid: 5 }), ping];
      await scene.publish(publication([...entries, linkEntry('tree/same', 'tree/ping')], { xattrs }));
      assert.equal(
        getAttribute(scene.path('tree/same'), 'security.capability').toString('latin1'),
        capability,
      );
      for (const path of ['tree', 'tree/in']) {
        assert.deepEqual(listAttributes(scene.path(path)).sort(), [...opaque.keys()], path);
        assert.equal(getAttribute(scene.path(path), 'trusted.overlay.opaque').toString(), 'y');
      }
      assert.deepEqual(scene.said, []);
    });

    it('no extended attribute that the file system has no room for, and says so', async function () {
      needsRoot(this);
      const scene = await Scene.make();
      if (!storesAttributes(Buffer.from(scene.root))) skip(this, 'on a file system without attributes');
      const values = new Map([
        ['user.\xe9', '\xff'],
        ['user.large', 'x'.repeat(65_536)],
      ]);
      const xattrs = [{ path: 'file', values }];
      await scene.publish(publication([fileEntry('file', 'content')], { xattrs }));
      // XFS and tmpfs have room for it.
      const hasRoom = listAttributes(scene.path('file')).includes('user.large');
      assert.equal(scene.said.length, hasRoom ? 0 : 1, scene.said.join());
      if (!hasRoom)
        assert.match(scene.said[0] ?? '', /^warning: 1 extended attribute \(file\) could not be kept/);
      assert.equal(readFileSync(scene.path('file'), 'utf8'), 'content');
      assert.deepEqual(getAttribute(scene.path('file'), 'user.\xe9'), Buffer.from([0xff]));
    });

    it('names after trees', async () => {
      const scene = await Scene.make();
      const names = [fileEntry('manifest', 'm'), symlinkEntry('name', 'tree')];
      await scene.publish(publication([directoryEntry('tree'), fileEntry('tree/file', 'x')], { names }));
      assert.equal(readFileSync(scene.path('name/file'), 'utf8'), 'x');
    });

    it('nothing', async () => {
      const scene = await Scene.make();
      await scene.publish([]);
      assert.deepEqual([...(await scene.published())], []);
    });
  });

  describe('changes', () => {
    it('files and links in one step each, whatever they were', async () => {
      const scene = await Scene.make();
      const before = [
        fileEntry('one', 'old'),
        symlinkEntry('two', 'old'),
        specialEntry('three', 'character-device'),
      ];
      await scene.publish([
        directoryEntry('tree'),
        ...before,
        linkEntry('four', 'one'),
        fileEntry('tree/five', 'old'),
      ]);
      await scene.publish([
        symlinkEntry('one', 'new'),
        fileEntry('two', 'new'),
        specialEntry('three', 'fifo'),
        linkEntry('four', 'two'),
        directoryEntry('tree'),
        linkEntry('tree/five', 'two'),
      ]);
      const types = ['one', 'two', 'three', 'four', 'tree/five'].map((path) => scene.stat(path));
      assert.deepEqual(
        types.map((stat) => [stat.isSymbolicLink(), stat.isFIFO(), stat.isFile()]),
        [
          [true, false, false],
          [false, false, true],
          [false, true, false],
          [false, false, true],
          [false, false, true],
        ],
      );
      assert.equal(readFileSync(scene.path('tree/five'), 'utf8'), 'new');
      assert.deepEqual(scene.leftOver(), []);
    });

    it('leave what shares the inode of a replaced file', async () => {
      const scene = await Scene.make();
      await scene.publish([fileEntry('one', 'old'), linkEntry('other', 'one')]);
      await scene.publish([fileEntry('one', 'new')]);
      assert.equal(readFileSync(scene.path('other'), 'utf8'), 'old');
    });

    it('add to folders that are there, and give them new attributes where they are named', async () => {
      const scene = await Scene.make();
      await scene.publish([
        directoryEntry('tree'),
        directoryEntry('tree/in'),
        fileEntry('tree/in/old', 'old'),
        directoryEntry('kept'),
      ]);
      await scene.publish([
        directoryEntry('tree', { mode: 0o700, mtime: 1000 }),
        directoryEntry('tree/in', { mode: 0o555, mtime: 2000 }),
        fileEntry('tree/in/new', 'new'),
        directoryEntry('tree/in/fresh', { mtime: 3000 }),
        fileEntry('tree/in/fresh/file'),
        fileEntry('kept/new'),
      ]);
      const found = await scene.published();
      assert.deepEqual([...found.keys()].sort(), [
        'kept',
        'kept/new',
        'tree',
        'tree/in',
        'tree/in/fresh',
        'tree/in/fresh/file',
        'tree/in/new',
        'tree/in/old',
      ]);
      assert.match(found.get('tree') ?? '', /^directory 0700 \S+ 1000$/);
      assert.match(found.get('tree/in') ?? '', /^directory 0555 \S+ 2000$/);
      assert.match(found.get('tree/in/fresh') ?? '', /^directory 0755 \S+ 3000$/);
    });

    it('delete trees and files', async () => {
      const scene = await Scene.make();
      await scene.publish([
        directoryEntry('tree'),
        directoryEntry('tree/in'),
        fileEntry('tree/in/file'),
        fileEntry('gone'),
        fileEntry('kept'),
      ]);
      await scene.publish(publication([fileEntry('new')], { deletions: ['tree/in', 'gone', 'never/was'] }));
      assert.deepEqual([...(await scene.published()).keys()].sort(), ['kept', 'new', 'tree']);
      assert.deepEqual(scene.leftOver(), []);
    });

    it('delete from a folder and give it its attributes again', async () => {
      const scene = await Scene.make();
      const tree = directoryEntry('tree', { mode: 0o555, mtime: 1000 });
      await scene.publish([tree, fileEntry('tree/old')]);
      await scene.publish(publication([tree, fileEntry('tree/new')], { deletions: ['tree/old'] }));
      const found = await scene.published();
      assert.deepEqual([...found.keys()].sort(), ['tree', 'tree/new']);
      assert.match(found.get('tree') ?? '', /^directory 0555 \S+ 1000$/);
    });

    const WRONG: readonly (readonly [what: string, entries: readonly Entry[]])[] = [
      ['a directory over a file', [directoryEntry('file')]],
      ['a directory over a symbolic link', [directoryEntry('link')]],
      ['a file over a directory', [fileEntry('tree')]],
      ['a symbolic link over a directory', [symlinkEntry('tree', 'x')]],
      ['a hard link over a directory', [linkEntry('tree', 'file')]],
      ['a file below a file', [fileEntry('file/below')]],
      ['a directory below a symbolic link', [directoryEntry('link/below')]],
    ];
    for (const [what, entries] of WRONG) {
      it(`refuse ${what}, and change nothing`, async () => {
        const scene = await Scene.make();
        await scene.publish([
          directoryEntry('tree'),
          fileEntry('tree/in'),
          fileEntry('file', 'x'),
          symlinkEntry('link', 'tree'),
        ]);
        const before = await scene.published();
        const failure = await failureOf(scene.publish([fileEntry('new'), ...entries]));
        assert.equal(failure.code, 'repository-conflict');
        assert.deepEqual(await scene.published(), before);
        assert.deepEqual(scene.leftOver(), []);
      });
    }
  });

  describe('leaves everything as it was', () => {
    async function prepared(): Promise<Scene> {
      const scene = await Scene.make();
      await scene.publish([directoryEntry('tree'), fileEntry('tree/file', 'old')]);
      return scene;
    }

    const BROKEN: readonly (readonly [what: string, entry: Entry])[] = [
      ['too short', { ...fileEntry('tree/file', 'abc'), sizeBytes: 4 }],
      ['too long', { ...fileEntry('tree/file', 'abc'), sizeBytes: 2 }],
    ];
    for (const [what, entry] of BROKEN) {
      it(`where a content is ${what}`, async () => {
        const scene = await prepared();
        const before = await scene.published();
        await assert.rejects(scene.publish([fileEntry('new'), entry]), /tree\/file/);
        assert.deepEqual(await scene.published(), before);
        assert.deepEqual(scene.leftOver(), []);
      });
    }

    it('where the stream breaks', async () => {
      const scene = await prepared();
      const before = await scene.published();
      const failure = new Failure('layer-corrupt', 'a test broke it');
      const breaking = async function* (): AsyncGenerator<Entry> {
        yield fileEntry('new', 'x');
        yield directoryEntry('tree');
        yield fileEntry('tree/file', 'new');
        throw failure;
      };
      assert.equal(await failureOf(scene.publish(publication(breaking()))), failure);
      assert.deepEqual(await scene.published(), before);
      assert.deepEqual(scene.leftOver(), []);
    });

    it('where it is interrupted', async () => {
      const scene = await prepared();
      const before = await scene.published();
      const controller = new AbortController();
      const interrupting = async function* (): AsyncGenerator<Entry> {
        yield fileEntry('new', 'x');
        controller.abort();
        yield fileEntry('newer', 'x');
      };
      const repository = await scene.open();
      const { onBytes } = uninterrupted();
      const options = { onBytes, signal: controller.signal };
      const failure = await failureOf(repository.publish(publication(interrupting()), options));
      await repository.release();
      assert.equal(failure.code, 'interrupted');
      assert.deepEqual(await scene.published(), before);
      assert.deepEqual(scene.leftOver(), []);
    });

    it('where a hard link has no target', async () => {
      const scene = await prepared();
      const before = await scene.published();
      const failure = await failureOf(scene.publish([fileEntry('new'), linkEntry('linked', 'tree/missing')]));
      assert.equal(failure.code, 'repository-unusable');
      assert.deepEqual(await scene.published(), before);
      assert.deepEqual(scene.leftOver(), []);
    });
  });

  describe('does not follow symbolic links out of the repository', () => {
    const PUBLICATIONS: readonly (readonly [
      what: string,
      entries: readonly Entry[],
      deletions: readonly string[],
    ])[] = [
      ['to write a directory', [directoryEntry('planted'), fileEntry('planted/new', 'x')], []],
      ['to write below it', [fileEntry('planted/new', 'x')], []],
      ['to replace a file below it', [fileEntry('planted/file', 'x')], []],
      ['to delete below it', [], ['planted/file']],
      ['to link to what lies below it', [linkEntry('linked', 'planted/file')], []],
    ];
    for (const [what, entries, deletions] of PUBLICATIONS) {
      it(what, async () => {
        const scene = await Scene.make();
        const outside = await temporaryDirectory('outside');
        writeFileSync(join(outside, 'file'), 'of the host');
        mkdirSync(scene.repository);
        symlinkSync(outside, join(scene.repository, 'planted'));
        const host = await snapshot(outside, { directoryTimes: true });
        const failure = await failureOf(scene.publish(publication(entries, { deletions })));
        assert.equal(failure.code, 'repository-conflict');
        assert.deepEqual(await snapshot(outside, { directoryTimes: true }), host);
        assert.deepEqual([...(await scene.published()).keys()], ['planted']);
        assert.deepEqual(scene.leftOver(), []);
      });
    }

    it('to replace the link itself', async () => {
      const scene = await Scene.make();
      const outside = await temporaryDirectory('outside');
      writeFileSync(join(outside, 'file'), 'of the host');
      mkdirSync(scene.repository);
      symlinkSync(join(outside, 'file'), join(scene.repository, 'planted'));
      await scene.publish([fileEntry('planted', 'new')]);
      assert.equal(readFileSync(join(outside, 'file'), 'utf8'), 'of the host');
      assert.equal(scene.stat('planted').isFile(), true);
    });
  });

  describe('is held', () => {
    it('by one at a time', async () => {
      const scene = await Scene.make();
      const repository = await scene.open();
      assert.equal((await failureOf(scene.open())).code, 'repository-busy');
      await scene.recover();
      await repository.release();
      await scene.publish([fileEntry('new')]);
    });

    it('without being in the way of other repositories', async () => {
      const scene = await Scene.make();
      const repository = await scene.open();
      const other = await scene.backend.open('other.test', { notice: () => undefined, ...uninterrupted() });
      await other.release();
      await repository.release();
    });

    it('for several publications, of which each sees the one before', async () => {
      const scene = await Scene.make();
      const repository = await scene.open();
      await repository.publish(publication([fileEntry('one', '1')]), uninterrupted());
      assert.equal((await repository.view.read('one'))?.toString(), '1');
      await repository.publish(publication([linkEntry('two', 'one')]), uninterrupted());
      await repository.release();
      assert.equal(scene.stat('two').nlink, 2);
    });
  });

  describe('fails', () => {
    const cases: readonly (readonly [what: string, make: (root: string) => void, code: FailureCode])[] = [
      ['where the root is a file', (root) => writeFileSync(root, ''), 'repository-unusable'],
      [
        'where the repository is a file',
        (root) => {
          mkdirSync(root);
          writeFileSync(join(root, NAME), '');
        },
        'repository-unusable',
      ],
    ];
    for (const [what, make, code] of cases) {
      it(what, async () => {
        const root = join(await temporaryDirectory('directory'), 'root');
        make(root);
        assert.equal((await failureOf(new Scene(root).open())).code, code);
      });
    }

    it('not where the root is missing', async () => {
      const scene = new Scene(join(await temporaryDirectory('directory'), 'a', 'b'));
      await scene.publish([fileEntry('new')]);
      assert.deepEqual([...(await scene.published()).keys()], ['new']);
    });
  });
});
