import type { Attributes } from '../publication/entry.ts';
import { Column, DOUBLES, WORDS_16, WORDS_32 } from './column.ts';

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
