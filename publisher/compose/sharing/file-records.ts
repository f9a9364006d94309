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

/**
 * Records of the files of a layer that may be the same as files of other layers, in the order of their identities. Left out are
 * empty and sparse files, those with extended attributes, which no link of CernVM-FS carries, and those that the layer's
 * tree does not have where the archive names them: links, later members and deletions lead elsewhere.
 */
export function* fileRecords(
  { items, contents }: Pick<FreshListing, 'items' | 'contents'>,
  { placeOf }: Pick<LayerTree, 'placeOf'>,
): Sliced<Buffer> {
  const packed = PackedItems.of(items);
  const records = Buffer.allocUnsafe(packed.length * RECORD_BYTES);
  let count = 0;
  for (let row = 0; row < packed.length; row++) {
    if (row % STEPS_IN_SLICE === 0) yield;
    const identity = identityOf(packed, contents, row);
    if (identity === undefined || placeOf(row) !== packed.pathAt(row)) continue;
    const start = count++ * RECORD_BYTES;
    records.set(identity, start);
    records.writeDoubleLE(packed.attributesAt(row).mtime, start + DIGEST_BYTES);
    records.writeUInt32LE(row, start + DIGEST_BYTES + 8);
  }
  return yield* inOrder(records.subarray(0, count * RECORD_BYTES));
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

/** The same records in ascending order of their bytes. */
function* inOrder(records: Buffer): Sliced<Buffer> {
  const at = (row: number): Buffer => records.subarray(row * RECORD_BYTES, (row + 1) * RECORD_BYTES);
  const buckets: number[][] = Array.from({ length: BUCKETS }, () => []);
  for (let row = 0; row < records.length / RECORD_BYTES; row++)
    buckets[records.readUInt16BE(row * RECORD_BYTES) >>> BUCKET_SHIFT]?.push(row);
  const ordered = Buffer.allocUnsafe(records.length);
  let place = 0;
  for (const bucket of buckets) {
    for (const row of bucket.sort((one, other) => at(one).compare(at(other)))) {
      ordered.set(at(row), place);
      place += RECORD_BYTES;
    }
    yield;
  }
  return ordered;
}
