/** Takes one field value of HTTP apart from left to right. Never goes back; regular expressions must be sticky. */
export class HeaderReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  /** What `pattern` (flag `y`) matches here, and moves behind it; `undefined` where it does not match. */
  take(pattern: RegExp): string | undefined {
    const match = this.#match(pattern);
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  /** Whether `pattern` (flag `y`) matches here. */
  sees(pattern: RegExp): boolean {
    return this.#match(pattern) !== undefined;
  }

  /**
   * The content of the quoted string that begins here, without its escapes; `undefined` where none begins, or where
   * it does not end.
   *
   * @see RFC 9110, section 5.6.4
   */
  takeQuotedString(): string | undefined {
    const quotedString = this.take(/"(?:[^"\\]|\\.)*"/sy);
    return quotedString?.slice(1, -1).replace(/\\(.)/gs, '$1');
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }
}
