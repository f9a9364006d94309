/** A position in a text: both from 1, the column in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds the lines of a text, which end with LF, CR LF or CR (YAML 1.2.2, section 5.4). */
export class LineIndex {
  readonly #text: string;
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#text = text;
    const ends = text.matchAll(/\r\n|\n|\r/g);
    this.#starts = [0, ...Array.from(ends, (end) => end.index + end[0].length)];
  }

  /** The position of the character at `offset` (from 0). */
  positionAt(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#start(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#start(low) + 1 };
  }

  /** The rest of the line from `offset` on. */
  restOfLine(offset: number): string {
    const next = this.#starts[this.positionAt(offset).line] ?? this.#text.length;
    return this.#text.slice(offset, next).trimEnd();
  }

  /** The first line of more than `characters` characters, in linear time. */
  findLong(characters: number): { readonly offset: number; readonly reason: string } | undefined {
    const index = this.#starts.findIndex((start, line) => {
      const end = this.#starts[line + 1] ?? this.#text.length;
      if (end - start <= characters) return false;
      return this.#text.slice(start, end).replace(/(?:\r\n|\n|\r)$/, '').length > characters;
    });
    if (index === -1) return undefined;
    return { offset: this.#start(index), reason: `the line has more than ${characters} characters` };
  }

  #start(index: number): number {
    return this.#starts[index] ?? 0;
  }
}
