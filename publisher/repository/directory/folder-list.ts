import { AttributesColumn, Column, WORDS_32 } from '../../packed/column.ts';
import { TextPool } from '../../packed/text-pool.ts';
import type { Attributes } from '../../publication/entry.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';

/**
 * Folders with their attributes, packed: a publication may have a million. A folder that follows one above it takes no
 * more than its own name.
 */
export class FolderList {
  /** From 1 on; 0 is where paths begin. */
  #length = 0;
  readonly #texts = new TextPool();
  readonly #parents = new Column(WORDS_32);
  readonly #names = new Column(WORDS_32);
  readonly #attributes = new AttributesColumn();
  /** The last folder, and those above it that were added. */
  readonly #open: { number: number; prefix: BytePath }[] = [];

  add(path: BytePath, attributes: Attributes): void {
    const number = ++this.#length;
    while (!path.startsWith(this.#open.at(-1)?.prefix ?? '')) this.#open.pop();
    const { number: parent, prefix } = this.#open.at(-1) ?? { number: 0, prefix: '' };
    this.#open.push({ number, prefix: `${path}/` });
    this.#parents.set(number, parent);
    this.#names.set(number, this.#texts.add(path.slice(prefix.length)));
    this.#attributes.set(number, attributes);
  }

  /** The last one first. */
  *reversed(): Generator<{ readonly path: BytePath; readonly attributes: Attributes }> {
    for (let number = this.#length; number > 0; number--) {
      yield { path: this.#pathOf(number), attributes: this.#attributes.at(number) };
    }
  }

  /** Bounded: by the path. */
  #pathOf(number: number): BytePath {
    const parent = this.#parents.at(number);
    const name = this.#texts.at(this.#names.at(number));
    return parent === 0 ? name : `${this.#pathOf(parent)}/${name}`;
  }
}
