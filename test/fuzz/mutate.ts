import { withChecksum } from '../support/images/tar-header.ts';
import { paxRecords } from '../support/images/tar-header.ts';
import type { Random } from '../publisher/tree/random-stacks.ts';

const BLOCK_BYTES = 512;
const MOST_BYTES = 32 * 1024;

/** What archives are made of: put over or between other bytes. */
const WORDS: readonly Buffer[] = [
  'ustar\x0000',
  'ustar  \0',
  '../',
  '/',
  './',
  '.wh.',
  '.wh..wh..opq',
  '.cvmfscatalog',
  'stargz.index.json',
  '.prefetch.landmark',
  '\0',
  '7777777\0',
  '00000000000\0',
  '\x80\0\0\0\0\0\0\0',
  '\xff\xff\xff\xff\xff\xff\xff\xff',
  '\x1f\x8b\x08\0',
  '\x28\xb5\x2f\xfd',
  '\x50\x2a\x4d\x18',
  'GNUlInUx',
].map((word) => Buffer.from(word, 'latin1'));

const RECORDS: readonly (readonly [key: string, value: string])[] = [
  ['path', 'a/b'],
  ['path', '../b'],
  ['linkpath', 'd/f'],
  ['size', '512'],
  ['size', '99999999'],
  ['uid', '3000000'],
  ['mtime', '-1.5'],
  ['SCHILY.xattr.user.a', '\0\n\xff'],
  ['LIBARCHIVE.xattr.user.a', 'AAA='],
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.realsize', '100000'],
  ['GNU.sparse.size', '100000'],
  ['GNU.sparse.map', '0,10,1000,10'],
  ['GNU.sparse.name', 'f'],
  ['GNU.sparse.offset', '10'],
  ['GNU.sparse.numbytes', '10'],
  ['GNU.sparse.numblocks', '1'],
];

/** Something like `input`, and now and then like `other` too. Mostly the checksums of headers are made right again. */
export function mutate(random: Random, input: Buffer, other: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let times = 1 + random(5); times > 0; times--) bytes = once(random, bytes, other);
  bytes = bytes.subarray(0, MOST_BYTES);
  return random(8) === 0 ? bytes : withRightChecksums(bytes);
}

function once(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const at = random(bytes.length + 1);
  switch (random(12)) {
    case 0:
      return changed(bytes, at, (byte) => byte ^ (1 << random(8)));
    case 1:
      return changed(bytes, at, () => random(256));
    case 2:
      return changed(bytes, at, () => 0x30 + random(8));
    case 3:
      return over(bytes, at, pick(random, WORDS));
    case 4:
      return between(bytes, at, pick(random, WORDS));
    case 5:
      return field(random, bytes);
    case 6:
      return between(bytes, blockOf(at), record(random));
    case 7:
      return withoutBlocks(bytes, blockOf(at), 1 + random(3));
    case 8:
      return between(
        bytes,
        blockOf(at),
        bytes.subarray(blockOf(random(bytes.length + 1))).subarray(0, BLOCK_BYTES * (1 + random(4))),
      );
    case 9:
      return between(
        bytes,
        blockOf(at),
        other.subarray(blockOf(random(other.length + 1))).subarray(0, BLOCK_BYTES * (1 + random(8))),
      );
    case 10:
      return bytes.subarray(0, at);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))]);
  }
}

/** Offset and length of the fields of a header, and of those that only old GNU headers of sparse files have. */
const FIELDS: readonly (readonly [offset: number, length: number])[] = [
  [0, 100],
  [100, 8],
  [108, 8],
  [124, 12],
  [136, 12],
  [156, 1],
  [157, 100],
  [329, 8],
  [345, 155],
  [386, 24],
  [410, 24],
  [482, 1],
  [483, 12],
];
const TYPES = '01234567xgLKSDV\0';

/** One field of a header gets another value. */
function field(random: Random, bytes: Buffer): Buffer {
  const at = blockOf(random(bytes.length + 1));
  const [offset, length] = pick(random, FIELDS);
  if (length === 1)
    return over(bytes, at + offset, Buffer.from(TYPES[random(TYPES.length)] ?? '0', 'latin1'));
  const number = Buffer.alloc(length);
  const value = pick(random, [0, 1, 5, 511, 512, 513, 4096, 100_000, 2 ** 31, 2 ** 33 - 1]);
  number.write(`${value.toString(8).padStart(length - 1, '0')}\0`.slice(-length), 'latin1');
  const name = Buffer.alloc(length);
  name.write(pick(random, ['a', 'd', 'd/f', 's', 's/f', 'f', '.wh.d', 'd/.wh..wh..opq', './', '..']));
  return over(bytes, at + offset, random(2) === 0 ? number : name);
}

/** An extended header with a few records. */
function record(random: Random): Buffer {
  const records = Array.from({ length: 1 + random(4) }, () => pick(random, RECORDS));
  const body = Buffer.concat(
    records.map(([key, value]) => paxRecords(new Map([[key, Buffer.from(value, 'latin1')]]))),
  );
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write('x', 0);
  block.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  block.write(random(6) === 0 ? 'g' : 'x', 156);
  block.write('ustar\x0000', 257, 'latin1');
  return Buffer.concat([
    block,
    body,
    Buffer.alloc((BLOCK_BYTES - (body.length % BLOCK_BYTES)) % BLOCK_BYTES),
  ]);
}

/** Without them nearly every change would end at the first header. */
function withRightChecksums(bytes: Buffer): Buffer {
  for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    if (block.toString('latin1', 257, 262) === 'ustar') withChecksum(block);
  }
  return bytes;
}

function blockOf(at: number): number {
  return at - (at % BLOCK_BYTES);
}

function changed(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (at < bytes.length) bytes[at] = change(bytes[at] ?? 0);
  return bytes;
}

function over(bytes: Buffer, at: number, word: Buffer): Buffer {
  word.copy(bytes, Math.min(at, bytes.length));
  return bytes;
}

function between(bytes: Buffer, at: number, word: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]);
}

function withoutBlocks(bytes: Buffer, at: number, blocks: number): Buffer {
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + blocks * BLOCK_BYTES)]);
}

function pick<T>(random: Random, from: readonly T[]): T {
  const item = from[random(from.length)];
  if (item === undefined) throw new Error('there is nothing to choose from');
  return item;
}
