import type { Digest } from '../../../core/oci/digest.ts';
import { DIGEST_BYTES } from '../../layer/content-digests.ts';
import { Column, WORDS_32 } from '../../packed/column.ts';
import type { FileIndex, LayerRecords } from './file-index.ts';
import { ordinalOf, RECORD_BYTES, timeOf, type SameContent } from './file-records.ts';

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

/** Records of a layer that are kept in memory, and those of all layers. */
const MOST_LAYER_BYTES = 2 * 1024 * 1024;
const MOST_BYTES = 4 * MOST_LAYER_BYTES;
const NO_RECORDS = Buffer.alloc(0);

/** Compares layers by their records. Those of small layers stay in memory, as most are compared with many others. */
export class LayerComparison {
  readonly #index: FileIndex;
  readonly #kept = new Map<Digest, Buffer>();
  #keptBytes = 0;

  constructor(index: FileIndex) {
    this.#index = index;
  }

  /** The number of records of a layer; 0 where it has no index. */
  async countOf(layer: Digest): Promise<number> {
    const kept = this.#kept.get(layer);
    return kept === undefined ? await this.#index.countOf(layer) : kept.length / RECORD_BYTES;
  }

  /** Files that `layer` and `other` both have; none where nothing is known of one of them, or its index is damaged. */
  async common(layer: Digest, other: Digest, rule: SameContent): Promise<CommonFiles> {
    const one = await this.#open(layer);
    try {
      const two = one && (await this.#open(other));
      try {
        if (one === undefined || two === undefined) return new CommonFiles();
        const found = await commonRecords(one, two, rule);
        return (await one.isSound()) && (await two.isSound()) ? found : new CommonFiles();
      } finally {
        await two?.close();
      }
    } finally {
      await one?.close();
    }
  }

  async #open(layer: Digest): Promise<Cursor | undefined> {
    const kept = this.#kept.get(layer);
    if (kept !== undefined) {
      this.#keep(layer, kept);
      return new Cursor(kept);
    }
    const records = await this.#index.open(layer);
    if (records === undefined) return undefined;
    if (records.sizeBytes > MOST_LAYER_BYTES) return new Cursor(NO_RECORDS, records);
    try {
      const all = await records.all();
      if (!records.isSound) return undefined;
      this.#keep(layer, all);
      return new Cursor(all);
    } finally {
      await records.close();
    }
  }

  /** Keeps it as the newest; the oldest go. */
  #keep(layer: Digest, records: Buffer): void {
    if (!this.#kept.delete(layer)) this.#keptBytes += records.length;
    this.#kept.set(layer, records);
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= MOST_BYTES) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= length;
    }
  }
}

async function commonRecords(one: Cursor, other: Cursor, rule: SameContent): Promise<CommonFiles> {
  const found = new CommonFiles();
  for (const cursor of [one, other]) await cursor.read();
  while (!one.isAtEnd && !other.isAtEnd) {
    const order = compare(one, other);
    if (order === 0 && (rule === 'ignore-mtime' || one.time === other.time))
      found.add(one.ordinal, other.ordinal);
    if (order <= 0 && one.step()) await one.read();
    if (order >= 0 && other.step()) await other.read();
  }
  return found;
}

/** The first bits of two identities nearly always differ. */
function compare(one: Cursor, other: Cursor): number {
  const order = one.block.readUInt32BE(one.at) - other.block.readUInt32BE(other.at);
  if (order !== 0) return order;
  return one.block.compare(other.block, other.at, other.at + DIGEST_BYTES, one.at, one.at + DIGEST_BYTES);
}

/** Goes through the records of a layer, in their order: those of a block, then those that are {@link read}. */
class Cursor {
  /** Holds the current record. */
  block: Buffer;
  /** Where that begins. */
  at = 0;
  /** What follows the block. */
  readonly #rest: LayerRecords | undefined;

  constructor(block: Buffer, rest?: LayerRecords) {
    this.block = block;
    this.#rest = rest;
  }

  get isAtEnd(): boolean {
    return this.at >= this.block.length;
  }

  get time(): number {
    return timeOf(this.block, this.at);
  }

  get ordinal(): number {
    return ordinalOf(this.block, this.at);
  }

  /** Goes on to the next record; true where it has to be {@link read}, if there is one. */
  step(): boolean {
    this.at += RECORD_BYTES;
    return this.isAtEnd;
  }

  async read(): Promise<void> {
    if (this.#rest === undefined) return;
    this.block = await this.#rest.next();
    this.at = 0;
  }

  /** Reads what is left, and returns whether all of it is what was written. */
  async isSound(): Promise<boolean> {
    if (this.#rest === undefined) return true;
    while ((await this.#rest.next()).length > 0);
    return this.#rest.isSound;
  }

  async close(): Promise<void> {
    await this.#rest?.close();
  }
}
