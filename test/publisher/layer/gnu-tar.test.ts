import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { membersOf } from './archive.ts';

const LONG = `${'d'.repeat(120)}/${'n'.repeat(255)}`;

describe('publisher/layer/gnu-tar', () => {
  for (const format of ['v7', 'oldgnu', 'gnu', 'ustar', 'pax', 'posix']) {
    it(`in the format ${format}`, async function () {
      needs(this, 'tar');
      const folder = await temporaryDirectory('tar');
      const deep = join('tree', 'd'.repeat(format === 'v7' ? 10 : 90));
      const path = join(deep, 'n'.repeat(format === 'v7' ? 70 : 98));
      mkdirSync(join(folder, deep), { recursive: true });
      for (const name of [path, 'tree/file']) writeFileSync(join(folder, name), name);
      chmodSync(join(folder, path), 0o640);
      utimesSync(join(folder, path), 1_600_000_000, 1_600_000_000);
      linkSync(join(folder, 'tree/file'), join(folder, 'tree/hard'));
      symlinkSync('target', join(folder, 'tree/soft'));
      const options = ['--sort=name', `--format=${format}`, '--numeric-owner', '--owner=12', '--group=34'];
      const archive = execFileSync('tar', [...options, '-cf', '-', '-C', folder, 'tree']);
      const found = await membersOf(archive);
      assert.deepEqual(
        found.map(({ type, name, linkName, content }) => [type, name, linkName, content]),
        [
          ['directory', 'tree/', '', ''],
          ['directory', `${deep}/`, '', ''],
          ['file', path, '', path],
          ['file', 'tree/file', '', 'tree/file'],
          ['link', 'tree/hard', 'tree/file', ''],
          ['symlink', 'tree/soft', 'target', ''],
        ],
      );
      assert.deepEqual(found[2]?.attributes, { mode: 0o640, uid: 12, gid: 34, mtime: 1_600_000_000 });
    });
  }

  it('with names and targets that only GNU headers or PAX records hold', async function () {
    needs(this, 'tar');
    const folder = await temporaryDirectory('tar');
    const long = 'x'.repeat(200);
    writeFileSync(join(folder, long), 'content');
    symlinkSync(LONG, join(folder, 'soft'));
    for (const format of ['gnu', 'pax']) {
      const options = ['--sort=name', `--format=${format}`, '--owner=3000000', '--mtime=@-5'];
      const found = await membersOf(
        execFileSync('tar', [...options, '-cf', '-', '-C', folder, 'soft', long]),
      );
      assert.deepEqual(
        found.map(({ name, linkName, attributes: { uid, mtime } }) => [name, linkName, uid, mtime]),
        [
          ['soft', LONG, 3_000_000, -5],
          [long, '', 3_000_000, -5],
        ],
      );
    }
  });

  it('with times of access and change where others have a prefix', async function () {
    needs(this, 'tar');
    const folder = await temporaryDirectory('tar');
    writeFileSync(join(folder, 'file'), 'content');
    const archive = execFileSync('tar', ['--format=gnu', '-G', '-cf', '-', '-C', folder, 'file']);
    assert.match(archive.toString('latin1', 345, 369), /^[0-7]{11}\0[0-7]{11}\0$/);
    assert.deepEqual(
      (await membersOf(archive)).map(({ name, content }) => [name, content]),
      [['file', 'content']],
    );
  });

  const sparse: [format: string, options: string[]][] = [
    ['the old one', ['--format=gnu']],
    ['0.0', ['--format=pax', '--sparse-version=0.0']],
    ['0.1', ['--format=pax', '--sparse-version=0.1']],
    ['1.0', ['--format=pax', '--sparse-version=1.0']],
  ];
  for (const [format, options] of sparse) {
    it(`with sparse files, in the format ${format}`, async function () {
      needs(this, 'tar');
      const folder = await temporaryDirectory('tar');
      for (const [name, content] of Object.entries(SPARSE)) writeSparse(join(folder, name), content);
      const names = Object.keys(SPARSE).sort();
      const archive = execFileSync('tar', ['-S', ...options, '-cf', '-', '-C', folder, ...names], {
        maxBuffer: 2 ** 28,
      });
      const found = await membersOf(archive, 100_000);
      assert.deepEqual(
        found.map(({ name }) => name),
        names,
      );
      for (const { name, content, sizeBytes } of found) {
        const written = readFileSync(join(folder, name), 'latin1');
        assert.equal(sizeBytes, written.length, name);
        assert.ok(content === written, name);
      }
    });
  }
});

/** Where there is data, in files with holes of a size that file systems keep. */
const SPARSE: Readonly<Record<string, { readonly sizeBytes: number; readonly data: readonly number[] }>> = {
  plain: { sizeBytes: 0, data: [0] },
  nothing: { sizeBytes: 3_000_000, data: [] },
  begins: { sizeBytes: 2_000_000, data: [0] },
  ends: { sizeBytes: 1_000_000 + 5, data: [1_000_000] },
  middle: { sizeBytes: 2_000_003, data: [700_000] },
  five: { sizeBytes: 2_500_000, data: [0, 500_000, 1_000_000, 1_500_000, 2_000_000] },
  hundred: {
    sizeBytes: 30_000_000,
    data: Array.from({ length: 100 }, (_, index) => 100_000 + index * 262_144),
  },
};

function writeSparse(
  path: string,
  { sizeBytes, data }: { sizeBytes: number; data: readonly number[] },
): void {
  writeFileSync(path, '');
  const file = openSync(path, 'r+');
  for (const offset of data) writeSync(file, `data at ${offset}`, offset);
  closeSync(file);
  truncateSync(path, Math.max(sizeBytes, statSync(path).size));
}
