import type { Digest } from '../../../core/oci/digest.ts';
import type { ListingItem } from '../../layer/listing-items.ts';
import { DIGEST_BYTES } from '../../layer/content-digests.ts';
import type { FileIndex } from './file-index.ts';
import { identityOfFile, RECORD_BYTES, timeOf, type SameContent } from './file-records.ts';

export interface KnownFilesOptions {
  readonly index: FileIndex;
  readonly sameContent: SameContent;
  /** Held in memory, 44 bytes each, while the layer is listed. */
  readonly mostRecords: number;
}

/**
 * Files that a new layer is likely to share, known while it is listed: a guess, for nobody has looked at what is published. What it
 * says decides what is written aside, never what is published.
 */
export class KnownFiles {
  readonly #layers: readonly Buffer[];
  readonly #rule: SameContent;

  private constructor(layers: readonly Buffer[], rule: SameContent) {
    this.#layers = layers;
    this.#rule = rule;
  }

  /** Those of `layers`, the likeliest first; `undefined` where nothing is known of any. */
  static async of(
    layers: readonly Digest[],
    { index, sameContent, mostRecords }: KnownFilesOptions,
  ): Promise<KnownFiles | undefined> {
    const found: Buffer[] = [];
    let left = mostRecords;
    for (const layer of layers) {
      left -= await index.countOf(layer);
      if (left < 0) break;
      const records = await index.recordsOf(layer);
      if (records.length > 0) found.push(records);
    }
    return found.length === 0 ? undefined : new KnownFiles(found, sameContent);
  }

  /** @param content its SHA-256 */
  has({ path, attributes, xattrs }: ListingItem, content: Buffer): boolean {
    if (xattrs.size > 0) return false;
    const identity = identityOfFile(path, attributes, content);
    return this.#layers.some((records) => {
      const record = recordWith(identity, records);
      return record !== undefined && (this.#rule === 'ignore-mtime' || timeOf(record) === attributes.mtime);
    });
  }
}

/** Finds a record among those of one layer, which are in order. */
function recordWith(identity: Buffer, records: Buffer): Buffer | undefined {
  let [low, high] = [0, records.length / RECORD_BYTES];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = middle * RECORD_BYTES;
    const order = records.compare(identity, 0, DIGEST_BYTES, start, start + DIGEST_BYTES);
    if (order === 0) return records.subarray(start, start + RECORD_BYTES);
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}
