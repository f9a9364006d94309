import { Column, WORDS_32 } from './column.ts';

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

  /** Whether it is new. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    const word = number >>> 5;
    this.#words.set(word, (this.#words.at(word) | (1 << (number & 31))) >>> 0);
    this.#size++;
    return true;
  }
}
