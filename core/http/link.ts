const SEPARATORS = /[ \t,]*/y;
const TARGET = /<[^<>]*>/y;
/** Some servers leave the brackets out. */
const BARE_TARGET = /(?:https?:\/\/|[/?])[^\s<>,;"]*/iy;
const PARAMETER = /[ \t]*;[ \t]*[^\s;,="]+/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const BARE_VALUE = /[^\s;,"]*/y;

/**
 * The target of the first link with the relation `next` in a `Link` field, as written: possibly relative. Where none has,
 * one without any relation is meant, if it has a query, as pages do.
 *
 * @see RFC 8288, section 3
 */
export function nextLink(field: string): string | undefined {
  const reader = new HeaderReader(field);
  let unrelated: string | undefined;
  while (!reader.ended) {
    reader.take(SEPARATORS);
    const target = reader.take(TARGET)?.slice(1, -1) ?? reader.take(BARE_TARGET);
    if (target === undefined) break;
    const relations = takeRelations(reader);
    if (relations?.includes('next') === true) return target;
    if (relations === undefined && target.includes('?')) unrelated ??= target;
  }
  return unrelated;
}

/** The relations of one link; `undefined` without `rel`, of which a second one is ignored, as the RFC says. */
function takeRelations(reader: HeaderReader): string[] | undefined {
  let relations: string[] | undefined;
  for (;;) {
    const name = reader.take(PARAMETER)?.replace(/^[ \t]*;[ \t]*/, '');
    if (name === undefined) return relations;
    if (reader.take(EQUALS) === undefined) continue;
    const value = reader.takeQuotedString() ?? reader.take(BARE_VALUE) ?? '';
    if (name.toLowerCase() === 'rel') relations ??= value.toLowerCase().split(/\s+/);
  }
}

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

  /** Returns the match of `pattern` (flag `y`) here, and moves behind it; `undefined` where there is none. */
  take(pattern: RegExp): string | undefined {
    const match = this.#match(pattern);
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  /** Returns true where `pattern` (flag `y`) matches here. */
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
