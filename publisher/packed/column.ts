import type { Attributes } from '../publication/entry.ts';

const CHUNK_BITS = 16;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const ROW_IN_CHUNK = CHUNK_ROWS - 1;
const FEWEST_ROWS = 64;

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Makes so many numbers, all 0. */
type Maker = (rows: number) => Numbers;

export const BYTES: Maker = (rows) => new Uint8Array(rows);
const WORDS_16: Maker = (rows) => new Uint16Array(rows);
export const WORDS_32: Maker = (rows) => new Uint32Array(rows);
export const DOUBLES: Maker = (rows) => new Float64Array(rows);

/**
 * Numbers by row, outside the heap: for what there is a million of. Rows that were never set are 0, and take nothing where
 * all are. It grows by whole chunks, so that what is there need not be copied; only the first begins small.
 */
export class Column {
  readonly #make: Maker;
  readonly #chunks: Numbers[] = [];

  constructor(make: Maker) {
    this.#make = make;
  }

  at(row: number): number {
    return this.#chunks[row >>> CHUNK_BITS]?.[row & ROW_IN_CHUNK] ?? 0;
  }

  set(row: number, value: number): void {
    const chunk = this.#chunks[row >>> CHUNK_BITS];
    const at = row & ROW_IN_CHUNK;
    if (chunk !== undefined && at < chunk.length) chunk[at] = value;
    else if (value !== 0) this.#grow(row)[at] = value;
  }

  /** Makes room for `row`, and gives its chunk. Bounded: by two. */
  #grow(row: number): Numbers {
    const index = row >>> CHUNK_BITS;
    const first = this.#chunks[0];
    if (index === 0) {
      const wanted = Math.max(FEWEST_ROWS, 2 ** Math.ceil(Math.log2(row + 1)));
      const larger = this.#make(Math.min(wanted, CHUNK_ROWS));
      if (first !== undefined) larger.set(first);
      return (this.#chunks[0] = larger);
    }
    if (first === undefined || first.length < CHUNK_ROWS) this.#grow(CHUNK_ROWS - 1);
    while (this.#chunks.length <= index) this.#chunks.push(this.#make(CHUNK_ROWS));
    return this.#chunks[index] ?? this.#make(CHUNK_ROWS);
  }
}

/** A set of small whole numbers, in one bit each. */
export class NumberSet {
  readonly #words = new Column(WORDS_32);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(number: number): boolean {
    return ((this.#words.at(number >>> 5) >>> (number & 31)) & 1) === 1;
  }

  /** @returns false for a number that it has already */
  add(number: number): boolean {
    if (this.has(number)) return false;
    const word = number >>> 5;
    this.#words.set(word, (this.#words.at(word) | (1 << (number & 31))) >>> 0);
    this.#size++;
    return true;
  }
}

/** Attributes by row. Owners are of 32 bits. */
export class AttributesColumn {
  readonly #modes = new Column(WORDS_16);
  readonly #uids = new Column(WORDS_32);
  readonly #gids = new Column(WORDS_32);
  readonly #mtimes = new Column(DOUBLES);

  at(row: number): Attributes {
    return {
      mode: this.#modes.at(row),
      uid: this.#uids.at(row),
      gid: this.#gids.at(row),
      mtime: this.#mtimes.at(row),
    };
  }

  set(row: number, { mode, uid, gid, mtime }: Attributes): void {
    this.#modes.set(row, mode);
    this.#uids.set(row, uid);
    this.#gids.set(row, gid);
    this.#mtimes.set(row, mtime);
  }
}
