import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CHUNK_BYTES } from '../../../publisher/layer/zlib.ts';
import { listLayer } from '../../../publisher/layer/listing.ts';
import type { Listing } from '../../../publisher/layer/listing.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { canCompress } from '../../support/images/compression.ts';
import { device, directory, file, hardLink, symlink, whiteout } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { archiveOf } from './archive.ts';
import { openFiles } from './open-files.ts';

describe('publisher/layer/listing', () => {
  let blob = '';
  before(async () => {
    blob = join(await temporaryDirectory('listing'), 'blob');
  });

  /** With its items as a plain array. */
  async function listingOf(bytes: Buffer, diffId = digestOf(bytes)): Promise<Listing> {
    await writeFile(blob, bytes);
    const { contents: _, ...listing } = await listLayer(blob, diffId);
    return { ...listing, items: [...listing.items] };
  }

  it('lists everything but contents, in the order of the archive, repeated names too', async () => {
    const { bytes, diffId } = await layer([
      directory('./d/', { mode: 0o750, uid: 1, gid: 2, mtime: 3 }),
      file('/d//f', 'content', { mode: 0o4755, mtime: -1.5, xattrs: { 'user.x': Buffer.from([0xff]) } }),
      file('d/f', 'more content'),
      hardLink('h', './d/f', { mode: 0o644, mtime: 0 }),
      symlink('s', '../../d/./f'),
      device('n', 'character-device', [5, 1], { mode: 0o600, mtime: 0 }),
      whiteout('gone'),
    ]);
    const { items, ...facts } = await listingOf(bytes, diffId);
    const ofBlob = { blobBytes: bytes.length, compression: 'gzip' };
    assert.deepEqual(facts, { diffId, sizeBytes: 13 * 512, ...ofBlob });
    const plain = { sizeBytes: 0, target: '', major: 0, minor: 0, xattrs: new Map<string, string>() };
    const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000 };
    assert.deepEqual(items, [
      { ...plain, type: 'directory', path: 'd', attributes: { mode: 0o750, uid: 1, gid: 2, mtime: 3 } },
      {
        ...plain,
        type: 'file',
        path: 'd/f',
        attributes: { ...attributes, mode: 0o4755, mtime: -1.5 },
        sizeBytes: 7,
        xattrs: new Map([['user.x', '\xff']]),
      },
      { ...plain, type: 'file', path: 'd/f', attributes, sizeBytes: 12 },
      { ...plain, type: 'link', path: 'h', attributes: { ...attributes, mtime: 0 }, target: 'd/f' },
      {
        ...plain,
        type: 'symlink',
        path: 's',
        attributes: { ...attributes, mode: 0o777 },
        target: '../../d/./f',
      },
      {
        ...plain,
        type: 'character-device',
        path: 'n',
        attributes: { ...attributes, mode: 0o600, mtime: 0 },
        major: 5,
        minor: 1,
      },
      { ...plain, type: 'file', path: '.wh.gone', attributes },
    ]);
  });

  it('is not done before the blob has ended, which may turn out to be another', async () => {
    for (const compression of ['plain', 'gzip', 'zstd'] as const) {
      if (!canCompress(compression)) continue;
      const { bytes, diffId } = await layer([file('a', 'x')], { compression });
      const isWrong = new Error('these are other bytes than the blob has');
      const listing = listLayer(
        (async function* () {
          yield bytes;
          throw isWrong;
        })(),
        diffId,
      );
      await assert.rejects(listing, isWrong, compression);
    }
  });

  it('is the same for every compression', async () => {
    const entries = [directory('d'), file('d/f', 'x'.repeat(3_000_000)), file('g')];
    const plain = await layer(entries, { compression: 'plain' });
    const expected = await listingOf(plain.bytes);
    assert.equal(expected.items.length, 3);
    for (const compression of ['gzip', 'zstd'] as const) {
      if (!canCompress(compression)) continue;
      const { bytes } = await layer(entries, { compression });
      const ofBlob = { blobBytes: bytes.length, compression };
      assert.deepEqual(await listingOf(bytes, plain.diffId), { ...expected, ...ofBlob });
    }
  });

  it('has the digests of contents, but of empty and sparse files', async () => {
    const large = randomBytes(3 * CHUNK_BYTES);
    const { bytes, diffId } = await layer([
      directory('d/'),
      file('d/small', 'content'),
      file('d/empty', ''),
      file('d/large', large),
      symlink('s', 'd/small'),
      hardLink('h', 'd/small'),
      file('d/last', 'the last one'),
    ]);
    await writeFile(blob, bytes);
    const { items, contents } = await listLayer(blob, diffId);
    const found = Array.from(items, ({ path }, row) => [path, contents.at(row)?.toString('hex')]);
    const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
    assert.deepEqual(found, [
      ['d', undefined],
      ['d/small', sha256('content')],
      ['d/empty', undefined],
      ['d/large', sha256(large)],
      ['s', undefined],
      ['h', undefined],
      ['d/last', sha256('the last one')],
    ]);
  });

  it('is empty for a layer without members, and for an empty file', async () => {
    const empty = Buffer.alloc(1024);
    const packed = gzipSync(empty);
    assert.deepEqual(await listingOf(packed, digestOf(empty)), {
      diffId: digestOf(empty),
      sizeBytes: 1024,
      blobBytes: packed.length,
      compression: 'gzip',
      items: [],
    });
    assert.deepEqual(await listingOf(Buffer.alloc(0)), {
      diffId: digestOf(Buffer.alloc(0)),
      sizeBytes: 0,
      blobBytes: 0,
      compression: 'none',
      items: [],
    });
  });

  it('counts what follows the end mark to the diff ID', async () => {
    const archive = Buffer.concat([await archiveOf(file('a')), Buffer.alloc(20_000, 'garbage')]);
    const { items, sizeBytes } = await listingOf(gzipSync(archive), digestOf(archive));
    assert.equal(items.length, 1);
    assert.equal(sizeBytes, archive.length);
  });

  it('refuses an archive that is not the one of the diff ID', async () => {
    const archive = await archiveOf(file('a'));
    await assert.rejects(listingOf(archive, digestOf(gzipSync(archive))), { code: 'digest-mismatch' });
    const longer = Buffer.concat([archive, Buffer.alloc(512)]);
    await assert.rejects(listingOf(longer, digestOf(archive)), { code: 'digest-mismatch' });
  });

  describe('refuses', () => {
    const cases: [what: string, entry: LayerEntry, code: FailureCode][] = [
      ['a name with ..', file('a/../../b'), 'layer-refused'],
      ['an absolute name with ..', file('/..'), 'layer-refused'],
      ['a NUL in a PAX path', file('a', '', { pax: { path: 'b\0c' } }), 'layer-refused'],
      ['a component of 256 bytes', file('n'.repeat(256)), 'layer-refused'],
      ['a path that is too long', file('d/'.repeat(2000)), 'layer-refused'],
      ['a hard link to ..', hardLink('h', '../etc/passwd'), 'layer-refused'],
      [
        'a NUL in the target of a hard link',
        hardLink('h', '', { pax: { linkpath: 'b\0c' } }),
        'layer-refused',
      ],
      [
        'a NUL in the target of a symbolic link',
        symlink('s', '', { pax: { linkpath: 'b\0c' } }),
        'layer-refused',
      ],
      ['a symbolic link to nothing', symlink('s', ''), 'layer-refused'],
      ['a symbolic link of over 4095 bytes', symlink('s', 'x'.repeat(4096)), 'layer-refused'],
      ['a negative owner', file('a', '', { pax: { uid: '-1' } }), 'layer-refused'],
      ['an owner that means none', file('a', '', { gid: 0xffff_ffff }), 'layer-refused'],
      ['an owner beyond 32 bits', file('a', '', { uid: 2 ** 40 }), 'layer-refused'],
      ['what is no archive', { type: 'raw', bytes: Buffer.alloc(512, 'x') }, 'layer-corrupt'],
    ];
    for (const [what, entry, code] of cases) {
      it(what, async () => {
        await assert.rejects(listingOf(await archiveOf(entry)), { code });
        assert.deepEqual(await openFiles(blob), []);
      });
    }
  });

  const taken: [what: string, entry: LayerEntry][] = [
    ['names with .. in them', file('a..b/..c/d..')],
    ['a symbolic link that leads out of the image', symlink('s', '../../../../etc/passwd')],
    ['a symbolic link of 4095 bytes', symlink('s', 'x'.repeat(4095))],
    ['the highest owner', file('a', '', { uid: 0xffff_fffe, gid: 0xffff_fffe })],
  ];
  for (const [what, entry] of taken) {
    it(`takes ${what}`, async () => {
      assert.equal((await listingOf(await archiveOf(entry))).items.length, 1);
    });
  }

  it('stops when it is interrupted, and closes the blob', async () => {
    const archive = await archiveOf(file('a', 'x'.repeat(3_000_000)), file('b'));
    await writeFile(blob, archive);
    const signal = AbortSignal.abort(new Error('stop'));
    await assert.rejects(listLayer(blob, digestOf(archive), { signal }), /stop/);
    assert.deepEqual(await openFiles(blob), []);
  });
});

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
