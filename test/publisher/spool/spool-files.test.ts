import assert from 'node:assert/strict';
import { mkdir, writeFile, utimes, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  blobsFolder,
  spoolBytes,
  temporaryFolder,
  evictOldest,
  partName,
  removeLeftovers,
} from '../../../publisher/spool/spool-files.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { digestOf } from '../../support/registry/image.ts';
import { readdirSync } from 'node:fs';

describe('publisher/spool/spool-files: publisher/spool/spool-files, sizes', () => {
  it('is that of its blobs, and of those under way', async () => {
    const spool = await temporaryDirectory('spool-bytes');
    for (const folder of [blobsFolder(spool), temporaryFolder(spool)])
      await mkdir(folder, { recursive: true });
    await writeFile(join(blobsFolder(spool), 'aa'), 'four');
    await writeFile(join(blobsFolder(spool), 'bb'), 'three');
    await writeFile(join(temporaryFolder(spool), 'cc'), 'x');
    assert.equal(spoolBytes(spool), 10);
  });

  it('is nothing where there is none', async () => {
    assert.equal(spoolBytes(await temporaryDirectory('spool-bytes')), 0);
  });
});

describe('publisher/spool/spool-files: publisher/spool/spool-files, eviction', () => {
  /** Files of 10 bytes in two folders, the first written first. */
  async function folders(): Promise<string[]> {
    const root = await temporaryDirectory('evict');
    const both = [join(root, 'blobs'), join(root, 'tmp')];
    for (const folder of both) await mkdir(folder);
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
      const path = join(both[index % 2] ?? '', name);
      await writeFile(path, '0123456789');
      await utimes(path, index + 1, index + 1);
    }
    return both;
  }

  const cases: [what: string, mostBytes: number, held: string, left: string, gone: number][] = [
    ['nothing where all fits', 40, '', 'abcd', 0],
    ['the oldest', 30, '', 'bcd', 1],
    ['as many as it takes', 15, '', 'd', 3],
    ['not what is held', 20, 'a', 'ad', 2],
    ['nothing that is held, also where it is too much', 0, 'abcd', 'abcd', 0],
  ];
  for (const [what, mostBytes, held, left, gone] of cases) {
    it(`removes ${what}`, async () => {
      const both = await folders();
      const evicted = await evictOldest(both, mostBytes, (name) => held.includes(name));
      assert.deepEqual(evicted, { files: gone, bytes: gone * 10 });
      assert.equal(
        both
          .flatMap((folder) => readdirSync(folder))
          .sort()
          .join(''),
        left,
      );
    });
  }

  it('leaves blobs that somebody holds, until the last one lets go', async () => {
    const directory = await temporaryDirectory('spool');
    const spool = await Spool.open(directory);
    const digest = digestOf(Buffer.from('x'));
    const isThere = async (): Promise<boolean> => await spool.has(digest, 1);
    await writeFile(spool.pathOf(digest), 'x');
    const [one, other] = [spool.hold([digest]), spool.hold([digest])];
    assert.deepEqual(await spool.shrinkTo(0), { files: 0, bytes: 0 });
    await spool.remove(digest);
    await one.release(true);
    assert.equal(await isThere(), true);
    await other.release(false);
    assert.equal(await isThere(), true);
    assert.deepEqual(await spool.shrinkTo(0), { files: 1, bytes: 1 });
    assert.equal(await isThere(), false);
  });

  it('tells once when nobody holds a blob any more, and at once where nobody does', async () => {
    const spool = await Spool.open(await temporaryDirectory('spool'));
    const digest = digestOf(Buffer.from('x'));
    let told = 0;
    const tell = async (): Promise<void> => await Promise.resolve(void told++);
    await spool.whenLetGo(digest, tell);
    assert.equal(told, 1);
    const [one, other] = [spool.hold([digest]), spool.hold([digest])];
    await spool.whenLetGo(digest, tell);
    await spool.whenLetGo(digest, tell);
    await one.release(true);
    assert.equal(told, 1);
    await other.release(false);
    assert.equal(told, 3);
    await spool.hold([digest]).release(false);
    assert.equal(told, 3);
  });

  it('lets go of all blobs, also where one cannot be removed', async () => {
    const spool = await Spool.open(await temporaryDirectory('spool'));
    const [first, second] = ['x', 'y'].map((text) => digestOf(Buffer.from(text)));
    assert.ok(first !== undefined && second !== undefined);
    await mkdir(spool.pathOf(first));
    await writeFile(spool.pathOf(second), 'y');
    const hold = spool.hold([first, second]);
    await assert.rejects(hold.release(true), { code: 'ERR_FS_EISDIR' });
    await spool.remove(second);
    assert.equal(await spool.has(second, 1), false);
  });
});

const DAY_S = 24 * 60 * 60;

describe('publisher/spool/spool-files: publisher/spool/spool-files, leftovers', () => {
  it('keeps parts of blobs for three days, and nothing else', async () => {
    const directory = await temporaryDirectory('leftovers');
    const now = Date.now() / 1000;
    const ages = [0, 2.9, 3.1, 300];
    const names = ages.map((age) => partName(digestOf(Buffer.from(`${age}`))));
    for (const [index, name] of names.entries()) {
      const path = join(directory, name);
      await writeFile(path, 'half');
      await utimes(path, now, now - (ages[index] ?? 0) * DAY_S);
    }
    const [other = '', folder = '', link = ''] = ['x', 'y', 'z'].map((text) =>
      partName(digestOf(Buffer.from(text))),
    );
    await writeFile(join(directory, `${other}.old`), '');
    await writeFile(join(directory, 'abc.part'), 'half');
    await mkdir(join(directory, folder, 'folder'), { recursive: true });
    await symlink(names[0] ?? '', join(directory, link));
    await removeLeftovers(directory);
    assert.deepEqual((await readdir(directory)).toSorted(), names.slice(0, 2).toSorted());
  });
});
