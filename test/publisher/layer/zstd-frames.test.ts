import assert from 'node:assert/strict';
import { decompress } from '../../../publisher/layer/decompress.ts';
import { frameParts } from '../../../publisher/layer/zstd-frames.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { skippableFrame } from '../../support/images/lazy-layers.ts';
import { raw, repeated, storedFrame, WINDOW_OF_8_MIB, zstdFrame } from '../../support/images/zstd.ts';
import { HeldMeter } from '../heap.ts';
import { chunksOf } from './archive.ts';
import { skip } from '../../support/programs.ts';

const MiB = 1024 * 1024;
const window = (exponent: number): { window: number } => ({ window: (exponent - 10) << 3 });
const SMALL = { window: WINDOW_OF_8_MIB };

describe('publisher/layer/zstd-frames', () => {
  const frames: [what: string, blob: Buffer, content: Buffer][] = [
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
    ['a frame of nothing', zstdFrame([raw('')], SMALL), Buffer.alloc(0)],
    ['stored blocks', storedFrame(Buffer.alloc(MiB, 'x')), Buffer.alloc(MiB, 'x')],
    ['repeated bytes', zstdFrame([repeated(100_000, 7), repeated(5, 8)], SMALL), bytes([100_000, 7], [5, 8])],
    [
      'empty blocks between others',
      zstdFrame([raw('a'), raw(''), raw('b'), raw('')], SMALL),
      Buffer.from('ab'),
    ],
    [
      'a checksum',
      zstdFrame([raw('abc')], { ...SMALL, checksum: Buffer.from('990977ad', 'hex') }),
      Buffer.from('abc'),
    ],
    ['the smallest window', zstdFrame([raw('abc')], window(10)), Buffer.from('abc')],
    ['the largest window', zstdFrame([raw('abc')], window(27)), Buffer.from('abc')],
    [
      'a large window, used',
      zstdFrame(
        Array.from({ length: 300 }, (_, index) => repeated(128 * 1024, index % 256)),
        window(25),
      ),
      Buffer.concat(Array.from({ length: 300 }, (_, index) => Buffer.alloc(128 * 1024, index % 256))),
    ],
    ['a dictionary that is none', zstdFrame([raw('abc')], { ...SMALL, dictionary: 0 }), Buffer.from('abc')],
    [
      'very many small frames',
      Buffer.concat(Array.from({ length: 3000 }, () => zstdFrame([raw('abc')], SMALL))),
      Buffer.from('abc'.repeat(3000)),
    ],
    [
      'frames with skippable ones between, before and after',
      Buffer.concat([
        skippableFrame(Buffer.alloc(70_000)),
        storedFrame(Buffer.from('ab')),
        skippableFrame(Buffer.alloc(0)),
      ]),
      Buffer.from('ab'),
    ],
  ];
  for (const [what, blob, content] of frames) {
    it(`decompresses ${what}`, async () => {
      for (const chunkBytes of [blob.length > 100_000 ? 9999 : 1, 300_000]) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of decompress(chunksOf(blob, chunkBytes))) chunks.push(chunk);
        assert.ok(Buffer.concat(chunks).equals(content));
      }
    });
  }

  const refused: [what: string, blob: Buffer, code: FailureCode][] = [
    ['a window over 128 MiB', zstdFrame([raw('abc')], { window: ((27 - 10) << 3) | 1 }), 'layer-refused'],
    ['a window of 2 GiB, in twelve bytes', zstdFrame([raw('abc')], window(31)), 'layer-refused'],
    ['the largest window that can be written', zstdFrame([raw('abc')], { window: 0xff }), 'layer-refused'],
    ['a single segment of that size', zstdFrame([raw('abc')], { contentSize: 2n ** 62n }), 'layer-refused'],
    ['a block over 128 KiB', zstdFrame([repeated(128 * 1024 + 1)], SMALL), 'layer-corrupt'],
    ['a block over the window', zstdFrame([repeated(1025)], window(10)), 'layer-corrupt'],
    ['a block of a reserved type', zstdFrame([{ ...raw('a'), type: 'reserved' }], SMALL), 'layer-corrupt'],
    ['a reserved bit', zstdFrame([raw('abc')], { ...SMALL, reservedBit: true }), 'layer-corrupt'],
    ['a dictionary', zstdFrame([raw('abc')], { ...SMALL, dictionary: 5 }), 'layer-corrupt'],
    ['no block', zstdFrame([], SMALL), 'layer-corrupt'],
    [
      'no checksum, where one is to follow',
      zstdFrame([raw('abc')], { ...SMALL, checksum: Buffer.from('a') }),
      'layer-corrupt',
    ],
    ['a skippable frame that ends early', skippableFrame(Buffer.alloc(100)).subarray(0, 50), 'layer-corrupt'],
    [
      'the beginning of a magic number',
      Buffer.concat([storedFrame(Buffer.from('a')), Buffer.from([0x28])]),
      'layer-corrupt',
    ],
    [
      'other bytes after a frame',
      Buffer.concat([storedFrame(Buffer.from('a')), Buffer.alloc(4)]),
      'layer-corrupt',
    ],
    [
      'a compressed block of nothing',
      zstdFrame([{ type: 'compressed', size: 0, content: Buffer.alloc(0) }], SMALL),
      'layer-corrupt',
    ],
  ];
  for (const [what, blob, code] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        async () => {
          for await (const chunk of decompress(chunksOf(blob, 7))) assert.ok(chunk.length > 0);
        },
        { code },
      );
    });
  }

  it('gives the parts of frames, and how large their blocks become', async () => {
    const blob = Buffer.concat([
      zstdFrame([raw('abc'), repeated(1000)], { ...SMALL, checksum: Buffer.from('1234') }),
      zstdFrame([{ type: 'compressed', size: 4, content: Buffer.from('1234') }], window(10)),
    ]);
    const found: unknown[] = [];
    for await (const part of frameParts(chunksOf(blob, 5))) {
      found.push([part.type, part.bytes.length, 'mostBytes' in part ? part.mostBytes : undefined]);
    }
    assert.deepEqual(found, [
      ['frame', 6, undefined],
      ['block', 6, 3],
      ['block', 4, 1000],
      ['checksum', 4, undefined],
      ['frame', 6, undefined],
      ['block', 7, 1024],
    ]);
  });

  it('takes no memory for a window that a short frame cannot need', async () => {
    const frame = zstdFrame([raw('abc')], window(27));
    const blob = Buffer.concat(Array.from({ length: 2000 }, () => frame));
    const meter = new HeldMeter(100);
    for await (const chunk of decompress(chunksOf(blob, 5000))) {
      assert.ok(chunk.length > 0);
      meter.look();
    }
    assert.ok(meter.mostBytes < 16 * MiB, `${meter.mostBytes} bytes are held`);
  });

  it('stops at blocks that cost far more than they bring, where it decompresses in JavaScript', async function () {
    const { default: zlib } = await import('node:zlib');
    if ('createZstdDecompress' in zlib) skip(this, 'of an older Node');
    const blocks = [raw(Buffer.alloc(70_000)), ...Array.from({ length: 1000 }, () => raw('a'))];
    const blob = zstdFrame(blocks, window(27));
    await assert.rejects(
      async () => {
        for await (const chunk of decompress(chunksOf(blob, 300_000))) assert.ok(chunk.length > 0);
      },
      { code: 'layer-refused' },
    );
  });
});

function bytes(...runs: readonly (readonly [length: number, byte: number])[]): Buffer {
  return Buffer.concat(runs.map(([length, byte]) => Buffer.alloc(length, byte)));
}
