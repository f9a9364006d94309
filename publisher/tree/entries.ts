import { randomFillSync } from 'node:crypto';
import { Column, WORDS_32 } from '../packed/column.ts';
import type { TextPool } from '../packed/text-pool.ts';

const FEWEST_SLOTS = 64;

/**
 * The names in the directories of a tree, in about 25 bytes each. Directories and entries are numbers; no entry has the
 * number 0. What an entry is, is a number too, whose meaning is the tree's.
 */
export class Entries {
  readonly #texts: TextPool;
  #count = 0;
  readonly #directories = new Column(WORDS_32);
  readonly #names = new Column(WORDS_32);
  readonly #values = new Column(WORDS_32);
  readonly #next = new Column(WORDS_32);
  /** A hash table with open addressing; an entry is in the first free slot from its own on. */
  #slots = new Uint32Array(FEWEST_SLOTS);

  constructor(texts: TextPool) {
    this.#texts = texts;
  }

  /** The entry of this name; 0 where there is none. */
  find(directory: number, name: string): number {
    return this.#slots[this.#slotOf(directory, name)] ?? 0;
  }

  /** Adds an entry of a name that the directory does not have; its name is at `position` among the texts. */
  add(directory: number, name: string, position = this.#texts.add(name)): number {
    const entry = ++this.#count;
    this.#directories.set(entry, directory);
    this.#names.set(entry, position);
    if (entry > this.#slots.length * FULLEST) this.#enlarge();
    else this.#slots[this.#slotOf(directory, name)] = entry;
    return entry;
  }

  nameOf(entry: number): string {
    return this.#texts.at(this.#names.at(entry));
  }

  directoryOf(entry: number): number {
    return this.#directories.at(entry);
  }

  valueOf(entry: number): number {
    return this.#values.at(entry);
  }

  setValue(entry: number, value: number): void {
    this.#values.set(entry, value);
  }

  /** The entry that comes after this one in its directory; 0: it is the last. */
  after(entry: number): number {
    return this.#next.at(entry);
  }

  setAfter(entry: number, next: number): void {
    this.#next.set(entry, next);
  }

  /** Slot of the entry of this name, or the one it would take. */
  #slotOf(directory: number, name: string): number {
    const last = this.#slots.length - 1;
    for (let slot = hashOf(directory, name) & last; ; slot = (slot + 1) & last) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0) return slot;
      if (this.#directories.at(entry) === directory && this.#texts.isAt(this.#names.at(entry), name))
        return slot;
    }
  }

  #enlarge(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let entry = 1; entry <= this.#count; entry++)
      this.#slots[this.#slotOf(this.#directories.at(entry), this.nameOf(entry))] = entry;
  }
}

const FULLEST = 0.75;

/** Nobody can know which names would all have the same hash, and make a layer of them. */
const SECRETS = randomFillSync(new Uint32Array(256));

function hashOf(directory: number, name: string): number {
  let hash = Math.imul(directory ^ (SECRETS[0] ?? 0), MULTIPLIER);
  for (let index = 0; index < name.length; index++) {
    hash ^= SECRETS[name.charCodeAt(index) & 0xff] ?? 0;
    hash = Math.imul(hash ^ (hash >>> 15), MULTIPLIER);
  }
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Odd, and with bits everywhere: that of the golden ratio. */
const MULTIPLIER = 0x9e37_79b1;
