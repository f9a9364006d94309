import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { constants, gzipSync } from 'node:zlib';
import { listLayer } from '../../../publisher/layer/listing.ts';
import { LayerMeter, UNLIMITED, type LayerLimits } from '../../../publisher/layer/limits.ts';
import { exactSize } from '../../../core/text.ts';
import { Failure } from '../../../core/failure.ts';
import { directory, file, symlink, type LayerEntry } from '../../support/images/layer-entry.ts';
import { sparseInRecords } from '../../support/images/sparse.ts';
import { headerBlock } from '../../support/images/tar-header.ts';
import { repeated, WINDOW_OF_8_MIB, zstdFrame } from '../../support/images/zstd.ts';
import { HeldMeter } from '../heap.ts';
import { archiveOf, chunksOf, ended, header, pax } from './archive.ts';

/** As the default says; smaller archives may have any ratio. */
const RATIO_COUNTS_FROM_BYTES = 256 * 1024 * 1024;
const MiB = 1024 * 1024;

describe('publisher/layer/limits', () => {
  async function list(archive: Buffer, limits: Partial<LayerLimits>): Promise<number> {
    const diffId = `sha256:${createHash('sha256').update(archive).digest('hex')}` as const;
    const { items } = await listLayer(chunksOf(gzipSync(archive), 5000), diffId, {
      limits: { ...UNLIMITED, ...limits },
    });
    return items.length;
  }

  const long = 'n'.repeat(200);
  const cases: [
    what: string,
    entries: LayerEntry[],
    name: keyof LayerLimits,
    needed: number,
    option: string,
  ][] = [
    ['an archive', [file('a', 'x'.repeat(5000)), file('b')], 'sizeBytes', 512 + 5120 + 512 + 1024, 'size'],
    [
      'the holes of a sparse file',
      [{ type: 'raw', bytes: sparseInRecords('f', [[5, Buffer.from('x')]], 3_000_000) }, file('a', 'x')],
      'sizeBytes',
      3_000_001,
      'size',
    ],
    ['members', [directory('d'), file('a'), file('a'), symlink('s', 'a')], 'entries', 4, 'entry'],
    [
      'an extended header',
      [file('a', '', { pax: { comment: 'x'.repeat(5000) } })],
      'headerBytes',
      5014,
      'header',
    ],
    [
      'global headers together',
      [
        { type: 'raw', bytes: pax({ 'SCHILY.xattr.user.a': 'x'.repeat(1000) }, 'g') },
        {
          type: 'raw',
          bytes: pax({ 'SCHILY.xattr.user.b': 'x'.repeat(1000), 'SCHILY.xattr.user.a': 'y' }, 'g'),
        },
        { type: 'raw', bytes: pax({ 'SCHILY.xattr.user.c': 'x'.repeat(1000) }, 'g') },
        file('a'),
      ],
      'headerBytes',
      2 * 1000 + 1 + 3 * 19,
      'header',
    ],
    [
      'names, targets and attributes',
      [file(long), symlink('s', long), file('a', '', { xattrs: { 'user.x': '12345' } })],
      'namesBytes',
      200 + 201 + 1 + 11,
      'names',
    ],
  ];
  for (const [what, entries, name, needed, option] of cases) {
    it(`takes ${what} at the limit, and refuses more with the option that allows it`, async () => {
      const archive = await archiveOf(...entries);
      assert.ok((await list(archive, { [name]: needed })) > 0);
      await assert.rejects(list(archive, { [name]: needed - 1 }), (error: unknown) => {
        assert.ok(error instanceof Failure);
        assert.equal(error.code, 'layer-refused');
        const limit = name.endsWith('Bytes') ? exactSize(needed - 1) : needed - 1;
        assert.match(error.message, new RegExp(`over the limit of ${limit}$`));
        assert.match(error.hint ?? '', new RegExp(`--layer-${option}-limit$`));
        return true;
      });
    });
  }

  it('counts attributes that all members share once, and the folders of neighbours', async () => {
    const shared = { type: 'raw' as const, bytes: pax({ 'SCHILY.xattr.user.a': 'x'.repeat(1000) }, 'g') };
    const own = { xattrs: { 'user.b': 'y'.repeat(2000) } };
    const files = ['1', '2', '3'].map((name) => file(`${long}/${name}`));
    const archive = await archiveOf(shared, ...files, file('4', '', own), file('5', '', own));
    const needed = 200 + 5 + (1000 + 6) + (1000 + 6 + 2000 + 6);
    assert.equal(await list(archive, { namesBytes: needed }), 5);
    await assert.rejects(list(archive, { namesBytes: needed - 1 }), { code: 'layer-refused' });
  });

  it('counts the holes of sparse files for the ratio, when all of the layer is read', async () => {
    const hole = sparseInRecords('f', [[5, Buffer.from('x')]], 90 * 1024 ** 3);
    const small = ended(hole);
    assert.ok(gzipSync(small).length < 300);
    await assert.rejects(list(small, { ratio: 200 }), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'layer-refused');
      assert.match(error.hint ?? '', /--layer-ratio-limit$/);
      return true;
    });
    const usual = ended(sparseInRecords('f', [[5, Buffer.from('x')]], RATIO_COUNTS_FROM_BYTES + 1));
    const random = randomBytes(2 * MiB);
    const rest = await archiveOf(file('random', random));
    assert.equal(await list(Buffer.concat([usual.subarray(0, -1024), rest]), { ratio: 200 }), 2);
    await assert.rejects(list(usual, { ratio: 200 }), { code: 'layer-refused' });
  });

  it('counts the ratio from some size on', () => {
    const meter = new LayerMeter({ ...UNLIMITED, ratio: 200 });
    meter.countArchive(RATIO_COUNTS_FROM_BYTES, 1000);
    assert.throws(() => meter.countArchive(1, 1000), { code: 'layer-refused' });
    const usual = new LayerMeter({ ...UNLIMITED, ratio: 200 });
    usual.countArchive(200 * 2 * MiB, 2 * MiB);
    usual.countArchive(200 * 2 * MiB, 4 * MiB);
    assert.equal(usual.archiveBytes, 800 * MiB);
  });

  describe('stops early, and takes little memory, at', () => {
    const DEFAULTS: LayerLimits = {
      sizeBytes: 100 * 1024 * MiB,
      ratio: 200,
      entries: 100_000,
      headerBytes: MiB,
      namesBytes: 512 * MiB,
    };
    const bombs: [what: string, blob: () => AsyncIterable<Uint8Array>, option: string, mostBytes: number][] =
      [
        ['a gzip bomb of 100 GiB', gzipBomb, 'layer-ratio-limit', 2 * MiB],
        ['a zstd bomb of 100 GiB', zstdBomb, 'layer-ratio-limit', 2 * MiB],
        ['an endless number of tiny entries', tinyEntries, 'layer-entry-limit', 60 * MiB],
        [
          'a PAX header of 1 GB',
          () => chunksOf(header({ type: 'x', sizeBytes: 10 ** 9 }), 512),
          'layer-header-limit',
          MiB,
        ],
        [
          'a file that says it is of 8 EiB',
          () => chunksOf(header({ sizeBytes: 2 ** 33 - 1 }, huge), 512),
          'layer-size-limit',
          MiB,
        ],
        [
          'a sparse file of 4 PiB',
          () => chunksOf(ended(sparseInRecords('f', [[0, Buffer.from('x')]], 2 ** 52)), 512),
          'layer-size-limit',
          MiB,
        ],
      ];
    for (const [what, blob, option, mostBytes] of bombs) {
      it(what, async () => {
        let readBytes = 0;
        const meter = new HeldMeter(10_000);
        async function* counted(): AsyncGenerator<Uint8Array> {
          for await (const chunk of blob()) {
            readBytes += chunk.length;
            yield chunk;
            meter.look();
          }
        }
        await assert.rejects(
          listLayer(counted(), `sha256:${'0'.repeat(64)}`, { limits: DEFAULTS }),
          (error: unknown) => {
            assert.ok(error instanceof Failure);
            assert.match(error.hint ?? '', new RegExp(`--${option}$`));
            return true;
          },
        );
        assert.ok(readBytes <= mostBytes, `${readBytes} bytes were read`);
        assert.ok(meter.mostBytes < 64 * MiB, `${meter.mostBytes} bytes are held`);
      });
    }
  });
});

/** The beginning of one file of zeros, then ever more of them: each chunk of 1 MiB in a gzip member of its own. */
async function* gzipBomb(): AsyncGenerator<Uint8Array> {
  yield gzipSync(header({ sizeBytes: 8 ** 11 - 1 }));
  const zeros = gzipSync(Buffer.alloc(MiB), { level: constants.Z_BEST_COMPRESSION });
  for (let times = 0; times < 100 * 1024; times++) yield zeros;
}

async function* zstdBomb(): AsyncGenerator<Uint8Array> {
  const head = header({ sizeBytes: 8 ** 11 - 1 });
  yield zstdFrame([{ type: 'raw', size: 512, content: head }], { window: WINDOW_OF_8_MIB });
  const zeros = zstdFrame(
    Array.from({ length: 1000 }, () => repeated(128 * 1024)),
    { window: WINDOW_OF_8_MIB },
  );
  for (let times = 0; times < 1000; times++) yield zeros;
}

async function* tinyEntries(): AsyncGenerator<Uint8Array> {
  for (let number = 0; ; number++) {
    const fields = { type: '0', mode: 0, uid: 0, gid: 0, sizeBytes: 0, mtime: 0, major: 0, minor: 0 };
    yield headerBlock({ ...fields, name: Buffer.from(String(number)), linkName: Buffer.alloc(0) });
  }
}

/** Base 256: a size that octal digits cannot say. */
function huge(block: Buffer): void {
  block.fill(0, 124, 136);
  block[124] = 0x80;
  block[129] = 0x1f;
}
