import { createHash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../../../core/oci/digest.ts';
import { noteUse } from '../../../core/system/unused-files.ts';
import { hasCode } from '../../../core/system-error.ts';
import { DIGEST_BYTES } from '../../layer/content-digests.ts';
import type { ListingStore } from '../../layer/listing-store.ts';
import { Column, WORDS_32 } from '../../packed/column.ts';
import { ordinalOf, RECORD_BYTES, timeOf } from './file-records.ts';

/**
 * What makes two files of the same path, content, mode and owners the same: that their times are equal too, or nothing more.
 */
export type SameContent = 'exact' | 'ignore-mtime';

/** Changes with the form of the file, and with what makes two files the same. */
const HEAD = Buffer.from('unpackd files 1\n');
const RECORDS_AT_A_TIME = 8 * 1024;

/** Files that two layers have in common, by their ordinals in each; in the order of the first layer's archive. */
export class CommonFiles {
  #length = 0;
  #end = 0;
  /** By ordinal, one more than that of the other. */
  readonly #others = new Column(WORDS_32);

  get length(): number {
    return this.#length;
  }

  add(ordinal: number, other: number): void {
    this.#length++;
    this.#end = Math.max(this.#end, ordinal + 1);
    this.#others.set(ordinal, other + 1);
  }

  *[Symbol.iterator](): Generator<readonly [ordinal: number, other: number]> {
    for (let ordinal = 0; ordinal < this.#end; ordinal++) {
      const other = this.#others.at(ordinal);
      if (other > 0) yield [ordinal, other - 1];
    }
  }
}

/**
 * Keeps, beside the listing of a layer, records of those of its files that other layers may share: 44 bytes for each. A cache: a
 * layer without it shares nothing. Its records are in order, so that two layers are compared by reading both once.
 */
export class FileIndex {
  readonly #listings: Pick<ListingStore, 'pathOf' | 'write'>;

  constructor(listings: Pick<ListingStore, 'pathOf' | 'write'>) {
    this.#listings = listings;
  }

  /**
   * @param records as `fileRecords` gives them
   * @throws Failure `disk-full`, `state-unusable`
   */
  async save(layer: Digest, records: Buffer): Promise<void> {
    const digest = createHash('sha256').update(HEAD).update(records).digest();
    await this.#listings.write(layer, 'files', [HEAD, records, digest]);
  }

  /** The number of records of a layer; 0 where it has no index. */
  async countOf(layer: Digest): Promise<number> {
    const { size } = (await stat(this.#pathOf(layer)).catch(() => undefined)) ?? { size: 0 };
    return Math.max(0, Math.floor((size - HEAD.length - DIGEST_BYTES) / RECORD_BYTES));
  }

  /** Files that `layer` and `other` both have; none where nothing is known of one of them, or its index is damaged. */
  async common(layer: Digest, other: Digest, rule: SameContent): Promise<CommonFiles> {
    const readers = [
      await IndexReader.open(this.#pathOf(layer)),
      await IndexReader.open(this.#pathOf(other)),
    ];
    try {
      const [one, two] = readers;
      if (one === undefined || two === undefined) return new CommonFiles();
      const found = await commonRecords(one, two, rule);
      return one.isSound && two.isSound ? found : new CommonFiles();
    } finally {
      for (const reader of readers) await reader?.close();
    }
  }

  /** All records of a layer, in their order; none where it has no index, or a damaged one. */
  async recordsOf(layer: Digest): Promise<Buffer> {
    const reader = await IndexReader.open(this.#pathOf(layer));
    try {
      return (await reader?.all()) ?? Buffer.alloc(0);
    } finally {
      await reader?.close();
    }
  }

  #pathOf(layer: Digest): string {
    return this.#listings.pathOf(layer, 'files');
  }
}

async function commonRecords(one: IndexReader, other: IndexReader, rule: SameContent): Promise<CommonFiles> {
  const found = new CommonFiles();
  await one.next();
  await other.next();
  while (one.record !== undefined || other.record !== undefined) {
    const order = compare(one.record, other.record);
    if (
      order === 0 &&
      one.record !== undefined &&
      other.record !== undefined &&
      isSame(one.record, other.record, rule)
    )
      found.add(ordinalOf(one.record), ordinalOf(other.record));
    // The rest of the longer one is read too, for its digest.
    if (order <= 0 && !one.advance()) await one.next();
    if (order >= 0 && !other.advance()) await other.next();
  }
  return found;
}

function isSame(one: Buffer, other: Buffer, rule: SameContent): boolean {
  return rule === 'ignore-mtime' || timeOf(one) === timeOf(other);
}

function compare(one: Buffer | undefined, other: Buffer | undefined): number {
  if (one === undefined) return 1;
  if (other === undefined) return -1;
  return one.compare(other, 0, DIGEST_BYTES, 0, DIGEST_BYTES);
}

/** Reads the records of one index, a few at a time, and verifies their digest. It must be closed. */
class IndexReader {
  /** The one that was read last; `undefined`: there is none any more. */
  record: Buffer | undefined;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256').update(HEAD);
  readonly #endsAt: number;
  #at = HEAD.length;
  #block: Buffer = Buffer.alloc(0);
  #isSound: boolean | undefined;

  /** `undefined` where there is no index of this form. */
  static async open(path: string): Promise<IndexReader | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const { size, mtimeMs } = await file.stat();
      const head = Buffer.alloc(HEAD.length);
      await file.read(head, 0, head.length, 0);
      const recordBytes = size - HEAD.length - DIGEST_BYTES;
      if (head.equals(HEAD) && recordBytes >= 0 && recordBytes % RECORD_BYTES === 0) {
        await noteUse(path, mtimeMs);
        const reader = new IndexReader(file, HEAD.length + recordBytes);
        file = undefined;
        return reader;
      }
      return undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    } finally {
      await file?.close();
    }
  }

  private constructor(file: FileHandle, endsAt: number) {
    this.#file = file;
    this.#endsAt = endsAt;
  }

  /** Returns true where all was read, and is what was written. */
  get isSound(): boolean {
    return this.#isSound === true;
  }

  async next(): Promise<void> {
    if (this.advance()) return;
    await this.#read();
    this.advance();
  }

  /** Goes on to the next record; false where that must be read first. */
  advance(): boolean {
    const { length } = this.#block;
    this.record = length === 0 ? undefined : this.#block.subarray(0, RECORD_BYTES);
    this.#block = this.#block.subarray(RECORD_BYTES);
    return length > 0;
  }

  /** All records, in place of {@link next}; none where they are not what was written. */
  async all(): Promise<Buffer> {
    const blocks: Buffer[] = [];
    for (await this.#read(); this.#isSound === undefined; await this.#read()) blocks.push(this.#block);
    return Buffer.concat(this.#isSound ? blocks : []);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #read(): Promise<void> {
    const bytes = Math.min(RECORDS_AT_A_TIME * RECORD_BYTES, this.#endsAt - this.#at);
    if (bytes === 0) {
      const { buffer } = await this.#file.read(Buffer.alloc(DIGEST_BYTES), 0, DIGEST_BYTES, this.#endsAt);
      this.#isSound ??= buffer.equals(this.#hash.digest());
      return;
    }
    const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(bytes), 0, bytes, this.#at);
    this.#block = buffer.subarray(0, bytesRead);
    this.#at += bytesRead;
    this.#hash.update(this.#block);
  }
}
