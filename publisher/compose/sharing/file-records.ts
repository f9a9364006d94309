import { hash } from 'node:crypto';
import { pathBuffer, type BytePath } from '../../../core/system/byte-path.ts';
import { STEPS_IN_SLICE, type Sliced } from '../../../core/turns.ts';
import { DIGEST_BYTES, type ContentDigests } from '../../layer/content-digests.ts';
import type { FreshListing } from '../../layer/listing.ts';
import { PackedItems } from '../../layer/listing-items.ts';
import type { Attributes } from '../../publication/entry.ts';
import type { LayerTree } from '../../tree/layer-tree.ts';

/**
 * What makes two files of the same path, content, mode and owners the same: that their times are equal too, or nothing more.
 */
export type SameContent = 'exact' | 'ignore-mtime';

/** A record: the identity of a file (32 bytes), its time (a double), and its ordinal in the archive (32 bits). */
export const RECORD_BYTES = DIGEST_BYTES + 12;
const OWNER_BYTES = 12;
/** Records are divided by the first bits of their identities, and put in order a few at a time. */
const BUCKETS = 2 ** 12;
const BUCKET_SHIFT = 16 - 12;
const ROWS_IN_BLOCK = 4096;
const NO_IDENTITY = Buffer.alloc(DIGEST_BYTES);

/**
 * Records of the files of a layer that may be the same as files of other layers, in the order of their identities. Left out are
 * empty and sparse files, those with extended attributes, which no link of CernVM-FS carries, and those that the layer's
 * tree does not have where the archive names them: links, later members and deletions lead elsewhere.
 *
 * The digests of the contents are replaced by the identities: a layer may have a million files, and memory for one of the two.
 */
export function* fileRecords(
  { items, contents }: Pick<FreshListing, 'items' | 'contents'>,
  { placeOf }: Pick<LayerTree, 'placeOf'>,
): Sliced<FileRecords> {
  const packed = PackedItems.of(items);
  const rows = new Uint32Array(packed.length);
  let count = 0;
  for (let row = 0; row < packed.length; row++) {
    if (row % STEPS_IN_SLICE === 0) yield;
    const identity = identityOf(packed, contents, row);
    if (identity === undefined || placeOf(row) !== packed.pathAt(row)) continue;
    contents.set(row, identity);
    rows[count++] = row;
  }
  return new FileRecords(packed, contents, yield* inOrder(rows.subarray(0, count), contents));
}

/** The records of a layer's files, made when they are read. */
export class FileRecords {
  readonly #items: PackedItems;
  readonly #identities: ContentDigests;
  readonly #rows: Uint32Array;

  constructor(items: PackedItems, identities: ContentDigests, rows: Uint32Array) {
    this.#items = items;
    this.#identities = identities;
    this.#rows = rows;
  }

  *blocks(): Generator<Buffer> {
    for (let start = 0; start < this.#rows.length; start += ROWS_IN_BLOCK) {
      const rows = this.#rows.subarray(start, start + ROWS_IN_BLOCK);
      const block = Buffer.alloc(rows.length * RECORD_BYTES);
      for (const [at, row] of rows.entries()) this.#write(row, block.subarray(at * RECORD_BYTES));
      yield block;
    }
  }

  #write(row: number, record: Buffer): void {
    record.set(this.#identities.at(row) ?? NO_IDENTITY);
    record.writeDoubleLE(this.#items.attributesAt(row).mtime, DIGEST_BYTES);
    record.writeUInt32LE(row, DIGEST_BYTES + 8);
  }
}

/** The identity of a member; `undefined` for one that no other can be the same as. */
function identityOf(items: PackedItems, contents: ContentDigests, row: number): Buffer | undefined {
  const content = contents.at(row);
  if (content === undefined || items.typeAt(row) !== 'file' || items.xattrsAt(row).size > 0) return undefined;
  return identityOfFile(items.pathAt(row), items.attributesAt(row), content);
}

/**
 * What two files have in common that may be one: path within the layer, content, mode and owners. Files at different paths are
 * different ones, even if all else is equal: no two names of one image thus become names of one inode.
 *
 * @param content its SHA-256
 */
export function identityOfFile(path: BytePath, { mode, uid, gid }: Attributes, content: Buffer): Buffer {
  const owner = Buffer.allocUnsafe(OWNER_BYTES);
  owner.writeUInt32LE(mode, 0);
  owner.writeUInt32LE(uid, 4);
  owner.writeUInt32LE(gid, 8);
  return hash('sha256', Buffer.concat([content, owner, pathBuffer(path)]), 'buffer');
}

/** Time of the record that begins at `at`. */
export function timeOf(records: Buffer, at = 0): number {
  return records.readDoubleLE(at + DIGEST_BYTES);
}

/** Ordinal of the record that begins at `at`. */
export function ordinalOf(records: Buffer, at: number): number {
  return records.readUInt32LE(at + DIGEST_BYTES + 8);
}

/** `rows` in the ascending order of their digests. */
function* inOrder(rows: Uint32Array, digests: ContentDigests): Sliced<Uint32Array> {
  const bucketOf = (row: number): number => (digests.at(row)?.readUInt16BE() ?? 0) >>> BUCKET_SHIFT;
  const sizes = new Uint32Array(BUCKETS);
  for (const [at, row] of rows.entries()) {
    if (at % STEPS_IN_SLICE === 0) yield;
    add(sizes, bucketOf(row), 1);
  }
  let end = 0;
  const ends = sizes.map((size) => (end += size));
  const ordered = new Uint32Array(rows.length);
  // From the end of its bucket on: in the end `ends` says where each begins.
  for (const [at, row] of rows.entries()) {
    if (at % STEPS_IN_SLICE === 0) yield;
    ordered[add(ends, bucketOf(row), -1)] = row;
  }
  for (const [bucket, start] of ends.entries()) {
    ordered.subarray(start, start + (sizes[bucket] ?? 0)).sort((one, other) => digests.compare(one, other));
    yield;
  }
  return ordered;
}

/** Adds to the number at `index`, and returns the sum. */
function add(numbers: Uint32Array, index: number, more: number): number {
  return (numbers[index] = (numbers[index] ?? 0) + more);
}
