import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { membersOf } from './archive.ts';

const LONG = `${'d'.repeat(120)}/${'n'.repeat(255)}`;

describe('layer/tar-reader of what GNU tar writes', () => {
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

  it('but sparse files are refused', async function () {
    needs(this, 'tar', 'truncate');
    const folder = await temporaryDirectory('tar');
    execFileSync('truncate', ['-s', '10M', join(folder, 'sparse')]);
    for (const format of ['gnu', 'pax']) {
      const archive = execFileSync('tar', ['-S', `--format=${format}`, '-cf', '-', '-C', folder, 'sparse']);
      await assert.rejects(membersOf(archive), { code: 'layer-refused' });
    }
  });
});
