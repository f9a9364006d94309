import { headerBlock, padding, paxRecords, withChecksum } from './tar-header.ts';
import type { Header } from './tar-header.ts';

/** What a sparse file stores, and where: in any order, fitting or not. */
export type SparseParts = readonly (readonly [offset: number, bytes: Buffer])[];

/** A member of the type `S`: four parts in the header, the others in blocks that follow it (GNU tar's old format). */
export function oldSparse(name: string, parts: SparseParts, sizeBytes: number): Buffer {
  const numbers = parts.map(([offset, bytes]) => octalPair(offset, bytes.length));
  const block = headerBlock({ ...PLAIN, name: Buffer.from(name), type: 'S', sizeBytes: storedBytes(parts) });
  block.write('ustar  \0', 257, 'latin1');
  Buffer.concat(numbers.slice(0, 4)).copy(block, 386);
  block[482] = numbers.length > 4 ? 1 : 0;
  octal(sizeBytes).copy(block, 483);
  const extensions: Buffer[] = [];
  for (let at = 4; at < numbers.length; at += 21) {
    const extension = Buffer.alloc(512);
    Buffer.concat(numbers.slice(at, at + 21)).copy(extension);
    extension[504] = numbers.length > at + 21 ? 1 : 0;
    extensions.push(extension);
  }
  return Buffer.concat([withChecksum(block), ...extensions, stored(parts)]);
}

/** Version 0.0: a pair of records for each part. */
export function sparseInPairs(name: string, parts: SparseParts, sizeBytes: number): Buffer {
  const pairs = parts.flatMap(([offset, bytes]): [string, string][] => [
    ['GNU.sparse.offset', String(offset)],
    ['GNU.sparse.numbytes', String(bytes.length)],
  ]);
  const records: [string, string][] = [
    ['GNU.sparse.size', String(sizeBytes)],
    ['GNU.sparse.numblocks', String(parts.length)],
    ...pairs,
  ];
  return withRecords(records, name, stored(parts), storedBytes(parts));
}

/** Version 0.1: all of the map in one record, and the name in another. */
export function sparseInRecords(name: string, parts: SparseParts, sizeBytes: number): Buffer {
  const records: [string, string][] = [
    ['GNU.sparse.size', String(sizeBytes)],
    ['GNU.sparse.numblocks', String(parts.length)],
    ['GNU.sparse.name', name],
    ['GNU.sparse.map', parts.map(([offset, bytes]) => `${offset},${bytes.length}`).join(',')],
  ];
  return withRecords(records, 'GNUSparseFile.0/x', stored(parts), storedBytes(parts));
}

/** Version 1.0: the map before the content. */
export function sparseInContent(name: string, parts: SparseParts, sizeBytes: number): Buffer {
  const numbers = [parts.length, ...parts.flatMap(([offset, bytes]) => [offset, bytes.length])];
  const text = Buffer.from(numbers.map((number) => `${number}\n`).join(''));
  const map = Buffer.concat([text, padding(text.length)]);
  const records: [string, string][] = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', name],
    ['GNU.sparse.realsize', String(sizeBytes)],
  ];
  const body = Buffer.concat([map, stored(parts)]);
  return withRecords(records, 'GNUSparseFile.0/x', body, map.length + storedBytes(parts));
}

const PLAIN: Header = {
  name: Buffer.alloc(0),
  type: '0',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtime: 1_700_000_000,
  linkName: Buffer.alloc(0),
  major: 0,
  minor: 0,
};

function withRecords(
  records: readonly (readonly [key: string, value: string])[],
  name: string,
  body: Buffer,
  sizeBytes: number,
): Buffer {
  const extended = Buffer.concat(
    records.map(([key, value]) => paxRecords(new Map([[key, Buffer.from(value)]]))),
  );
  return Buffer.concat([
    headerBlock({ ...PLAIN, name: Buffer.from('PaxHeaders/x'), type: 'x', sizeBytes: extended.length }),
    extended,
    padding(extended.length),
    headerBlock({ ...PLAIN, name: Buffer.from(name), sizeBytes }),
    body,
  ]);
}

function storedBytes(parts: SparseParts): number {
  return parts.reduce((sum, [, bytes]) => sum + bytes.length, 0);
}

function stored(parts: SparseParts): Buffer {
  const bytes = Buffer.concat(parts.map(([, part]) => part));
  return Buffer.concat([bytes, padding(bytes.length)]);
}

function octalPair(offset: number, length: number): Buffer {
  return Buffer.concat([octal(offset), octal(length)]);
}

/** Octal digits, or base 256 for what is longer. */
function octal(value: number): Buffer {
  const bytes = Buffer.alloc(12);
  const digits = value.toString(8).padStart(11, '0');
  if (digits.length <= 11) bytes.write(digits, 'latin1');
  else {
    bytes.writeBigUInt64BE(BigInt(value), 4);
    bytes[0] = 0x80;
  }
  return bytes;
}
