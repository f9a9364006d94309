import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { canCompress } from '../../support/images/compression.ts';
import {
  copyOf,
  device,
  directory,
  fifo,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
} from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { layer, layerInFile } from '../../support/images/layer.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('support-tests/images/layer', () => {
  describe('as another reader of archives sees them', () => {
    const cases: [what: string, entry: LayerEntry, expected: Partial<Header>][] = [
      [
        'file',
        file('a/b', 'content', { mode: 0o4755, uid: 7, gid: 8, mtime: 9 }),
        { name: 'a/b', type: 'file', size: 7, mode: 0o4755, uid: 7, gid: 8, mtime: new Date(9000) },
      ],
      ['directory', directory('d', { mode: 0o1777 }), { name: 'd', type: 'directory', mode: 0o1777 }],
      [
        'symbolic link',
        symlink('l', '../target'),
        { name: 'l', type: 'symlink', linkname: '../target', mode: 0o777 },
      ],
      ['hard link', hardLink('l', 'a/b'), { name: 'l', type: 'link', linkname: 'a/b' }],
      [
        'character device',
        device('n', 'character-device', [1, 3]),
        { name: 'n', type: 'character-device', devmajor: 1, devminor: 3 },
      ],
      [
        'block device',
        device('n', 'block-device', [8, 255]),
        { name: 'n', type: 'block-device', devmajor: 8, devminor: 255 },
      ],
      ['fifo', fifo('p'), { name: 'p', type: 'fifo' }],
      ['whiteout', whiteout('a/b'), { name: 'a/.wh.b', type: 'file', size: 0 }],
      ['whiteout at the root', whiteout('b'), { name: '.wh.b' }],
      ['opaque directory', opaque('a'), { name: 'a/.wh..wh..opq' }],
      ['opaque root', opaque(''), { name: '.wh..wh..opq' }],
      ['name in UTF-8', file('é/😀'), { name: 'é/😀' }],
      ['name of 100 bytes', file('n'.repeat(100)), { name: 'n'.repeat(100), pax: null }],
      ['long name', file('é'.repeat(80)), { name: 'é'.repeat(80) }],
      ['long target', symlink('l', 't'.repeat(300)), { linkname: 't'.repeat(300) }],
      [
        'large owner',
        file('a', '', { uid: 5_000_000, gid: 2 ** 31 }),
        { pax: { uid: '5000000', gid: '2147483648' } },
      ],
      ['mtime before 1970', file('a', '', { mtime: -1.5 }), { pax: { mtime: '-1.5' } }],
      [
        'extended attributes',
        file('a', '', { xattrs: { 'user.x': 'y\nz' } }),
        { pax: { 'SCHILY.xattr.user.x': 'y\nz' } },
      ],
      ['pax records', file('a', '', { pax: { path: 'other' } }), { name: 'other' }],
    ];
    for (const [what, entry, expected] of cases) {
      it(what, async () => {
        const [found] = await entriesOf((await layer([entry], { compression: 'plain' })).bytes);
        assert.ok(found !== undefined);
        assert.deepEqual({ ...found, ...expected }, found);
      });
    }

    it('has the content of each file, and nothing else', async () => {
      const { bytes } = await layer([file('a', 'x'.repeat(1000)), file('b'), file('c', 'y'.repeat(512))], {
        compression: 'plain',
      });
      const found = await entriesOf(bytes);
      assert.deepEqual(
        found.map(({ name, content }) => [name, content]),
        [
          ['a', 'x'.repeat(1000)],
          ['b', ''],
          ['c', 'y'.repeat(512)],
        ],
      );
    });

    it('has names and values that are no text byte for byte', async () => {
      const name = Buffer.from([0x61, 0xff, 0xfe]);
      const value = Buffer.from([1, 0, 0, 2, 0xff, 0x0a]);
      const { bytes } = await layer([file(name, '', { xattrs: { 'security.capability': value } })], {
        compression: 'plain',
      });
      assert.ok(bytes.includes(Buffer.concat([Buffer.from('SCHILY.xattr.security.capability='), value])));
      assert.ok(bytes.includes(Buffer.concat([name, Buffer.alloc(97)])));
    });

    it('has the length of a pax record right wherever its digits change', async () => {
      for (const lengthBytes of [1, 2, 80, 81, 82, 83, 84, 85, 980, 981, 982, 983, 984, 985, 986]) {
        const value = 'v'.repeat(lengthBytes);
        const [found] = await entriesOf(
          (await layer([file('a', '', { pax: { key: value } })], { compression: 'plain' })).bytes,
        );
        assert.deepEqual(found?.pax, { key: value });
      }
    });

    it('is what tar lists', async function () {
      needs(this, 'tar');
      const { bytes } = await layer([
        directory('d'),
        file('d/f', 'abc', { mode: 0o640 }),
        hardLink('h', 'd/f'),
      ]);
      const listed = execFileSync('tar', ['-tvzf', '-', '--numeric-owner', '--utc'], {
        input: bytes,
        encoding: 'utf8',
      });
      assert.deepEqual(
        listed
          .trim()
          .split('\n')
          .map((line) => line.replaceAll(/ +/g, ' ')),
        [
          'drwxr-xr-x 0/0 0 2023-11-14 22:13 d',
          '-rw-r----- 0/0 3 2023-11-14 22:13 d/f',
          'hrw-r--r-- 0/0 0 2023-11-14 22:13 h link to d/f',
        ],
      );
    });
  });

  describe('compressed', () => {
    it('has the digest of its bytes and the diff ID of the archive', async () => {
      const plain = await layer([file('a', 'b')], { compression: 'plain' });
      const gzip = await layer([file('a', 'b')]);
      assert.equal(plain.digest, digestOf(plain.bytes));
      assert.equal(plain.diffId, plain.digest);
      assert.equal(gzip.digest, digestOf(gzip.bytes));
      assert.equal(gzip.diffId, plain.digest);
      assert.equal(gzip.size, gzip.bytes.length);
      assert.deepEqual(gunzipSync(gzip.bytes), plain.bytes);
      assert.deepEqual(
        [plain.mediaType, gzip.mediaType],
        ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.v1.tar+gzip'],
      );
    });

    it('with zstd', async function () {
      if (!canCompress('zstd')) needs(this, 'zstd');
      const plain = await layer([file('a', 'b'.repeat(100_000))], { compression: 'plain' });
      const zstd = await layer([file('a', 'b'.repeat(100_000))], { compression: 'zstd' });
      assert.equal(zstd.bytes.readUInt32LE(0), 0xfd2fb528);
      assert.equal(zstd.diffId, plain.diffId);
      assert.equal(zstd.digest, digestOf(zstd.bytes));
      assert.equal(zstd.mediaType, 'application/vnd.oci.image.layer.v1.tar+zstd');
      needs(this, 'zstd');
      assert.deepEqual(execFileSync('zstd', ['-dc'], { input: zstd.bytes }), plain.bytes);
    });

    it('gives the same bytes for the same entries, in memory and in a file', async () => {
      const folder = await temporaryDirectory('layer');
      const source = join(folder, 'source');
      await writeFile(source, 'x'.repeat(200_000));
      const entries = [directory('d'), copyOf('d/copy', source, { mode: 0o755 })];
      const memory = await layer(entries);
      const { file: path, ...facts } = await layerInFile(join(folder, 'layer'), entries);
      assert.deepEqual(await readFile(path), memory.bytes);
      const { bytes, ...expected } = memory;
      assert.deepEqual(facts, expected);
      assert.deepEqual(
        bytes,
        (await layer([directory('d'), file('d/copy', 'x'.repeat(200_000), { mode: 0o755 })])).bytes,
      );
    });

    it('fails where a file to copy is missing', async () => {
      const missing = copyOf('a', join(await temporaryDirectory('layer'), 'missing'));
      for (const compression of ['plain', 'gzip'] as const) {
        await assert.rejects(layer([missing], { compression }), { code: 'ENOENT' });
      }
    });
  });
});

async function entriesOf(archive: Buffer): Promise<(Header & { content: string })[]> {
  const found: (Header & { content: string })[] = [];
  const reader = Readable.from([archive]).pipe(extract());
  for await (const entry of reader) {
    found.push({ ...entry.header, content: await text(entry) });
  }
  return found;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
