import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compressionOf, decompress } from '../../../publisher/layer/decompress.ts';
import { findProgram, needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openFiles } from './open-files.ts';

const INCOMPRESSIBLE = createHash('shake256', { outputLength: 300_000 }).update('layer').digest();

/** Incompressible in part, and larger than any chunk. */
const CONTENT = Buffer.concat([Buffer.alloc(1_500_000, 'layer'), INCOMPRESSIBLE, Buffer.alloc(1_000_000, 7)]);
const SKIPPABLE = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('12345')]);

/** 5,000 bytes in one frame. */
const SMALL_FRAME = Buffer.from('28b52ffd04588d000048736f6d65207465787401007cc3be1c01fe2dabf6', 'hex');

describe('publisher/layer/decompress', () => {
  let folder = '';
  before(async () => {
    folder = await temporaryDirectory('decompress');
  });

  async function decompressed(blob: Buffer): Promise<Buffer> {
    const path = join(folder, 'blob');
    await writeFile(path, blob);
    const chunks: Uint8Array[] = [];
    for await (const chunk of decompress(path)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  describe('tells the compression by the first bytes', () => {
    const cases: [magic: number[], compression: string][] = [
      [[0x1f, 0x8b, 8, 0], 'gzip'],
      [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
      [[0x50, 0x2a, 0x4d, 0x18], 'zstd'],
      [[0x5f, 0x2a, 0x4d, 0x18], 'zstd'],
      [[0x60, 0x2a, 0x4d, 0x18], 'none'],
      [[0x4f, 0x2a, 0x4d, 0x18], 'none'],
      [[0x1f, 0x8c], 'none'],
      [[0x28, 0xb5, 0x2f], 'none'],
      [[0x1f], 'none'],
      [[], 'none'],
    ];
    for (const [magic, compression] of cases) {
      it(`${Buffer.from(magic).toString('hex')}: ${compression}`, () => {
        assert.equal(compressionOf(Uint8Array.from(magic)), compression);
      });
    }
  });

  describe('gives the bytes of', () => {
    const third = CONTENT.length / 4;
    const cases: [what: string, blob: () => Buffer, bytes: Buffer][] = [
      ['a plain file', () => CONTENT, CONTENT],
      ['an empty file', () => Buffer.alloc(0), Buffer.alloc(0)],
      ['a file of one byte', () => Buffer.from('x'), Buffer.from('x')],
      ['gzip', () => gzipSync(CONTENT), CONTENT],
      ['gzip of nothing', () => gzipSync(Buffer.alloc(0)), Buffer.alloc(0)],
      [
        'gzip with several members, one of them empty',
        () =>
          Buffer.concat([
            gzipSync(CONTENT.subarray(0, third)),
            gzipSync(Buffer.alloc(0)),
            gzipSync(CONTENT.subarray(third)),
          ]),
        CONTENT,
      ],
      ['gzip followed by zeros', () => Buffer.concat([gzipSync(CONTENT), Buffer.alloc(512)]), CONTENT],
      [
        'gzip followed by more zeros than a chunk has',
        () => Buffer.concat([gzipSync(CONTENT), Buffer.alloc(3_000_000)]),
        CONTENT,
      ],
      [
        'gzip with thousands of members',
        () => Buffer.concat(Array.from({ length: 5000 }, (_, index) => gzipSync(String(index % 10)))),
        Buffer.from('0123456789'.repeat(500)),
      ],
    ];
    for (const [what, blob, bytes] of cases) {
      it(what, async () => {
        assert.ok((await decompressed(blob())).equals(bytes));
      });
    }

    const zstdCases: [what: string, blob: () => Buffer, bytes: Buffer][] = [
      ['zstd', () => zstd(CONTENT), CONTENT],
      ['zstd without checksum', () => zstd(CONTENT, '--no-check'), CONTENT],
      ['zstd of a high level', () => zstd(CONTENT, '-19'), CONTENT],
      ['zstd of nothing', () => zstd(Buffer.alloc(0)), Buffer.alloc(0)],
      ['zstd of one byte', () => zstd(Buffer.from('x')), Buffer.from('x')],
      [
        'zstd of several frames',
        () => Buffer.concat([zstd(CONTENT.subarray(0, third)), zstd(CONTENT.subarray(third))]),
        CONTENT,
      ],
      [
        'zstd with skippable frames before, between and after',
        () =>
          Buffer.concat([
            SKIPPABLE,
            zstd(CONTENT.subarray(0, third)),
            SKIPPABLE,
            SKIPPABLE,
            zstd(CONTENT.subarray(third)),
            SKIPPABLE,
          ]),
        CONTENT,
      ],
      ['zstd of a small frame', () => SMALL_FRAME, Buffer.alloc(5000, 'some text')],
      ['skippable frames alone', () => Buffer.concat([SKIPPABLE, SKIPPABLE]), Buffer.alloc(0)],
    ];
    for (const [what, blob, bytes] of zstdCases) {
      it(what, async function () {
        needs(this, 'zstd');
        assert.ok((await decompressed(blob())).equals(bytes));
      });
    }
  });

  describe('refuses', () => {
    const cases: [what: string, blob: () => Buffer, program?: string][] = [
      ['gzip that ends early', () => cut(gzipSync(CONTENT))],
      ['gzip that ends before its checksum', () => gzipSync(CONTENT).subarray(0, -8)],
      ['gzip that ends within its header', () => gzipSync(CONTENT).subarray(0, 5)],
      ['gzip with a damaged content', () => damaged(gzipSync(CONTENT))],
      ['gzip with a wrong checksum', () => changed(gzipSync(CONTENT), -6)],
      ['gzip followed by garbage', () => Buffer.concat([gzipSync(CONTENT), Buffer.from('garbage')])],
      [
        'gzip followed by zeros and garbage',
        () => Buffer.concat([gzipSync(CONTENT), Buffer.alloc(512), Buffer.from('garbage')]),
      ],
      [
        'gzip followed by zeros and garbage that comes late',
        () => Buffer.concat([gzipSync(CONTENT), Buffer.alloc(3_000_000), Buffer.from('garbage')]),
      ],
      [
        'gzip followed by zeros and a further member',
        () => Buffer.concat([gzipSync(CONTENT), Buffer.alloc(512), gzipSync(CONTENT)]),
      ],
      ['gzip with a damaged second member', () => Buffer.concat([gzipSync('a'), damaged(gzipSync(CONTENT))])],
      ['zstd that ends early', () => cut(zstd(CONTENT)), 'zstd'],
      ['zstd that ends in its checksum', () => zstd(CONTENT).subarray(0, -2), 'zstd'],
      ['zstd that ends within its header', () => zstd(CONTENT).subarray(0, 5), 'zstd'],
      [
        'zstd that ends within its second frame',
        () => Buffer.concat([zstd(CONTENT), cut(zstd(CONTENT))]),
        'zstd',
      ],
      [
        'zstd that ends within a skippable frame',
        () => Buffer.concat([zstd(CONTENT), SKIPPABLE.subarray(0, 10)]),
        'zstd',
      ],
      [
        'zstd followed by garbage',
        () => Buffer.concat([zstd(CONTENT), Buffer.from('x'.repeat(100))]),
        'zstd',
      ],
      ['zstd with a reserved block type', () => reservedBlock(zstd(CONTENT)), 'zstd'],
      ['zstd with a damaged content', () => damaged(zstd(Buffer.alloc(50_000, 'some text'), '-19')), 'zstd'],
    ];
    for (const [what, blob, program] of cases) {
      it(what, async function () {
        if (program !== undefined) needs(this, program);
        await assert.rejects(decompressed(blob()), { code: 'layer-corrupt' });
      });
    }

    for (const descriptor of [0x23, 0x27, 0x33, 0x37]) {
      it(`zstd with a frame that is described as ${descriptor.toString(16)}`, async () => {
        const blob = Buffer.from(SMALL_FRAME);
        blob[4] = descriptor;
        await assert.rejects(decompressed(blob), { code: 'layer-corrupt' });
      });
    }
  });

  it('throws what the file system says', async () => {
    const missing = decompress(join(folder, 'missing'));
    await assert.rejects(missing.next(), { code: 'ENOENT' });
  });

  it('keeps no file open when its reader stops early', async () => {
    const path = join(folder, 'early');
    for (const blob of [
      CONTENT,
      gzipSync(CONTENT),
      ...(findProgram('zstd') === undefined ? [] : [zstd(CONTENT)]),
    ]) {
      await writeFile(path, blob);
      for await (const chunk of decompress(path)) {
        assert.ok(chunk.length > 0);
        break;
      }
      assert.deepEqual(await openFiles(path), []);
    }
  });
});

function zstd(bytes: Buffer, ...options: string[]): Buffer {
  return execFileSync('zstd', ['-q', '-c', ...options], { input: bytes, maxBuffer: 2 ** 28 });
}

function cut(blob: Buffer): Buffer {
  return blob.subarray(0, Math.floor(blob.length / 2));
}

/** Bytes in the middle inverted. */
function damaged(blob: Buffer): Buffer {
  const copy = Buffer.from(blob);
  const middle = Math.floor(copy.length / 2);
  for (let at = middle; at < middle + 20; at++) copy[at] = ~(copy[at] ?? 0) & 0xff;
  return copy;
}

function changed(blob: Buffer, at: number, bits = 0xff): Buffer {
  const copy = Buffer.from(blob);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ bits;
  return copy;
}

/** The header of the first block follows a frame header of 6 bytes where the size is not written. */
function reservedBlock(blob: Buffer): Buffer {
  const copy = Buffer.from(blob);
  copy[6] = (copy[6] ?? 0) | 0x06;
  return copy;
}
