import { createHash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../../../core/oci/digest.ts';
import { noteUse } from '../../../core/system/unused-files.ts';
import { hasCode } from '../../../core/system-error.ts';
import { DIGEST_BYTES } from '../../layer/content-digests.ts';
import type { ListingStore } from '../../layer/listing-store.ts';
import { RECORD_BYTES, type FileRecords } from './file-records.ts';

/** Changes with the form of the file, and with what makes two files the same. */
const HEAD = Buffer.from('unpackd files 1\n');
const RECORDS_AT_A_TIME = 8 * 1024;
const NO_RECORDS = Buffer.alloc(0);

/**
 * Keeps, beside the listing of a layer, records of those of its files that other layers may share: 44 bytes for each. A cache: a
 * layer without it shares nothing. Its records are in order, so that two layers are compared by reading both once.
 */
export class FileIndex {
  readonly #listings: Pick<ListingStore, 'pathOf' | 'write'>;

  constructor(listings: Pick<ListingStore, 'pathOf' | 'write'>) {
    this.#listings = listings;
  }

  /** @throws Failure `disk-full`, `state-unusable` */
  async save(layer: Digest, records: FileRecords): Promise<void> {
    await this.#listings.write(layer, 'files', withDigest(records));
  }

  /** The number of records of a layer; 0 where it has no index. */
  async countOf(layer: Digest): Promise<number> {
    const { size } = (await stat(this.#pathOf(layer)).catch(() => undefined)) ?? { size: 0 };
    return Math.max(0, Math.floor((size - HEAD.length - DIGEST_BYTES) / RECORD_BYTES));
  }

  /** Opens the records of a layer; `undefined` where it has no index of this form. They must be closed. */
  async open(layer: Digest): Promise<LayerRecords | undefined> {
    return await LayerRecords.open(this.#pathOf(layer));
  }

  /** All records of a layer, in their order; none where it has no index, or a damaged one. */
  async recordsOf(layer: Digest): Promise<Buffer> {
    const records = await this.open(layer);
    try {
      return (await records?.all()) ?? NO_RECORDS;
    } finally {
      await records?.close();
    }
  }

  #pathOf(layer: Digest): string {
    return this.#listings.pathOf(layer, 'files');
  }
}

function* withDigest(records: FileRecords): Generator<Buffer> {
  const hash = createHash('sha256').update(HEAD);
  yield HEAD;
  for (const block of records.blocks()) {
    hash.update(block);
    yield block;
  }
  yield hash.digest();
}

/** The records of one index, which are read a few at a time, and their digest verified. */
export class LayerRecords {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256').update(HEAD);
  readonly #endsAt: number;
  #at = HEAD.length;
  #isSound: boolean | undefined;

  /** `undefined` where there is no index of this form. */
  static async open(path: string): Promise<LayerRecords | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const { size, mtimeMs } = await file.stat();
      const head = Buffer.alloc(HEAD.length);
      await file.read(head, 0, head.length, 0);
      const recordBytes = size - HEAD.length - DIGEST_BYTES;
      if (head.equals(HEAD) && recordBytes >= 0 && recordBytes % RECORD_BYTES === 0) {
        await noteUse(path, mtimeMs);
        const records = new LayerRecords(file, HEAD.length + recordBytes);
        file = undefined;
        return records;
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

  /** Size of all of them, in bytes. */
  get sizeBytes(): number {
    return this.#endsAt - HEAD.length;
  }

  /** Returns true where all was read, and is what was written. */
  get isSound(): boolean {
    return this.#isSound === true;
  }

  /** The next records; none where there are no more. */
  async next(): Promise<Buffer> {
    const bytes = Math.min(RECORDS_AT_A_TIME * RECORD_BYTES, this.#endsAt - this.#at);
    if (bytes === 0) {
      const { buffer } = await this.#file.read(Buffer.alloc(DIGEST_BYTES), 0, DIGEST_BYTES, this.#endsAt);
      this.#isSound ??= buffer.equals(this.#hash.digest());
      return NO_RECORDS;
    }
    const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(bytes), 0, bytes, this.#at);
    // Whole ones, of a file that was cut off meanwhile: none in the end.
    const block = buffer.subarray(0, bytesRead - (bytesRead % RECORD_BYTES));
    this.#at += block.length;
    this.#hash.update(block);
    return block;
  }

  /** All records, in place of {@link next}; none where they are not what was written. */
  async all(): Promise<Buffer> {
    const blocks: Buffer[] = [];
    for (let block = await this.next(); block.length > 0; block = await this.next()) blocks.push(block);
    return this.isSound ? Buffer.concat(blocks) : NO_RECORDS;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
