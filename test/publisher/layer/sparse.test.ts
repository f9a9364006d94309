import assert from 'node:assert/strict';
import { TarReader } from '../../../publisher/layer/tar-reader.ts';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import type { FailureCode } from '../../../core/failure.ts';
import {
  oldSparse,
  sparseInContent,
  sparseInPairs,
  sparseInRecords,
  type SparseParts,
} from '../../support/images/sparse.ts';
import { base256, chunksOf, ended, header, membersOf, pax } from './archive.ts';

const A = Buffer.alloc(700, 'a');
const B = Buffer.alloc(512, 'b');

type Writer = (name: string, parts: SparseParts, sizeBytes: number) => Buffer;
const FORMATS: readonly [what: string, write: Writer][] = [
  ['the old format', oldSparse],
  ['PAX 0.0', sparseInPairs],
  ['PAX 0.1', sparseInRecords],
  ['PAX 1.0', sparseInContent],
];

/** More than fit into a header, into one block after it, and into one block of numbers. */
const MANY: SparseParts = Array.from({ length: 100 }, (_, index) => [
  index * 1000 + 17,
  Buffer.from(`${index} `),
]);

describe('publisher/layer/sparse', () => {
  const files: [what: string, parts: SparseParts, sizeBytes: number][] = [
    ['no hole', [[0, A]], 700],
    ['a hole before', [[1000, A]], 1700],
    ['a hole behind', [[0, A]], 5000],
    [
      'holes between',
      [
        [0, A],
        [4096, B],
        [1_000_000, A],
      ],
      1_000_700,
    ],
    ['a hole alone', [], 600_000],
    ['nothing at all', [], 0],
    [
      'parts that touch',
      [
        [5, A],
        [705, B],
      ],
      3000,
    ],
    [
      'an empty part at its end',
      [
        [0, A],
        [9000, Buffer.alloc(0)],
      ],
      9000,
    ],
    ['many parts', MANY, 200_000],
  ];
  for (const [format, write] of FORMATS) {
    describe(`expands ${format}:`, () => {
      for (const [what, parts, sizeBytes] of files) {
        it(`${what}, and goes on behind it`, async () => {
          const archive = ended(write('dir/file', parts, sizeBytes), header({ name: Buffer.from('next') }));
          for (const chunkBytes of [511, 100_000]) {
            const [file, next, ...others] = await membersOf(archive, chunkBytes);
            assert.deepEqual([file?.name, file?.type, file?.sizeBytes], ['dir/file', 'file', sizeBytes]);
            assert.ok(file?.content === expanded(parts, sizeBytes).toString('latin1'));
            assert.deepEqual([next?.name, others.length], ['next', 0]);
          }
        });
      }

      it('nothing of it, where nobody reads the content', async () => {
        const archive = ended(write('f', MANY, 200_000), write('g', [[3, A]], 4000), header({}));
        const reader = new TarReader(chunksOf(archive, 1000));
        assert.equal((await reader.next())?.name, 'f');
        for await (const piece of reader.content()) {
          assert.ok(piece.length > 0);
          break;
        }
        assert.equal((await reader.next())?.name, 'g');
        assert.equal((await reader.next())?.name, 'name');
        assert.equal(await reader.next(), undefined);
      });

      const refused: [what: string, parts: SparseParts, sizeBytes: number][] = [
        [
          'parts that overlap',
          [
            [0, A],
            [699, B],
          ],
          5000,
        ],
        [
          'parts out of order',
          [
            [2000, A],
            [0, B],
          ],
          5000,
        ],
        [
          'two parts in one place',
          [
            [0, B],
            [0, B],
          ],
          5000,
        ],
        ['a part that goes beyond the end', [[0, A]], 699],
        ['a part that begins beyond the end', [[5001, Buffer.alloc(0)]], 5000],
        ['a part at the end of all numbers', [[Number.MAX_SAFE_INTEGER, A]], 5000],
      ];
      for (const [what, parts, sizeBytes] of refused) {
        it(`but not ${what}`, async () => {
          await assert.rejects(membersOf(ended(write('f', parts, sizeBytes))), { code: 'layer-corrupt' });
        });
      }

      it('but no map over the limit of headers', async () => {
        const parts: SparseParts = Array.from({ length: 2000 }, (_, index) => [index * 10, Buffer.from('x')]);
        const archive = ended(write('f', parts, 100_000));
        assert.equal((await membersOf(archive)).length, 1);
        const limits = { ...UNLIMITED, headerBytes: 8192 };
        await assert.rejects(membersOf(archive, 1000, limits), { code: 'layer-refused' });
      });
    });
  }

  const SIZE = { 'GNU.sparse.size': '100' };
  const V1 = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100' };
  const block = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.alloc(512 - text.length)]);
  const others: [what: string, archive: Buffer, code: FailureCode][] = [
    [
      'more stored than the map has',
      ended(pax({ ...SIZE, 'GNU.sparse.map': '0,3' }), header({ sizeBytes: 4 }), block('abcd')),
      'layer-corrupt',
    ],
    [
      'less stored than the map has',
      ended(pax({ ...SIZE, 'GNU.sparse.map': '0,5' }), header({ sizeBytes: 4 }), block('abcd')),
      'layer-corrupt',
    ],
    ['an odd map', ended(pax({ ...SIZE, 'GNU.sparse.map': '0,5,6' }), header({})), 'layer-corrupt'],
    [
      'a map that is no numbers',
      ended(pax({ ...SIZE, 'GNU.sparse.map': 'a,b' }), header({})),
      'layer-corrupt',
    ],
    ['a negative offset', ended(pax({ ...SIZE, 'GNU.sparse.map': '-1,0' }), header({})), 'layer-corrupt'],
    [
      'another number of parts than stated',
      ended(pax({ ...SIZE, 'GNU.sparse.map': '0,0', 'GNU.sparse.numblocks': '2' }), header({})),
      'layer-corrupt',
    ],
    ['no size', ended(pax({ 'GNU.sparse.map': '0,0' }), header({})), 'layer-corrupt'],
    [
      'a negative size',
      ended(pax({ 'GNU.sparse.size': '-1', 'GNU.sparse.map': '' }), header({})),
      'layer-corrupt',
    ],
    ['an unknown version', ended(pax({ ...V1, 'GNU.sparse.minor': '7' }), header({})), 'layer-refused'],
    [
      'pairs out of order',
      ended(pax({ ...SIZE, 'GNU.sparse.numbytes': '0', 'GNU.sparse.offset': '0' }), header({})),
      'layer-corrupt',
    ],
    ['a map in the content that is not there', ended(pax(V1), header({})), 'layer-corrupt'],
    [
      'a map that the content cuts off',
      ended(pax(V1), header({ sizeBytes: 512 }), block('3\n0\n')),
      'layer-corrupt',
    ],
    [
      'a map that begins with what is no number',
      ended(pax(V1), header({ sizeBytes: 512 }), block('x\n0\n0\n')),
      'layer-corrupt',
    ],
    [
      'a map of one endless number',
      ended(pax(V1), header({ sizeBytes: 5120 }), Buffer.alloc(5120, '1')),
      'layer-corrupt',
    ],
    [
      'an archive that ends in a map of the old format',
      oldSparse('f', MANY, 200_000).subarray(0, 1024),
      'layer-corrupt',
    ],
    [
      'a size below zero in the old format',
      ended(
        header({ type: 'S' }, (bytes) => {
          base256(-5n, 12).copy(bytes, 483);
        }),
      ),
      'layer-corrupt',
    ],
  ];
  for (const [what, archive, code] of others) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(membersOf(archive), { code });
    });
  }

  it('takes no file for sparse by a global header', async () => {
    const archive = ended(
      pax({ ...SIZE, 'GNU.sparse.map': '0,3' }, 'g'),
      header({ sizeBytes: 4 }),
      block('abcd'),
    );
    assert.deepEqual(
      (await membersOf(archive)).map(({ content }) => content),
      ['abcd'],
    );
  });
});

function expanded(parts: SparseParts, sizeBytes: number): Buffer {
  const content = Buffer.alloc(sizeBytes);
  for (const [offset, bytes] of parts) bytes.copy(content, offset);
  return content;
}
