import { HeaderReader } from './header-reader.ts';

const SEPARATORS = /[ \t,]*/y;
const TARGET = /<[^<>]*>/y;
const PARAMETER = /[ \t]*;[ \t]*[^\s;,="]+/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const BARE_VALUE = /[^\s;,"]*/y;

/**
 * The target of the first link with the relation `next` in a `Link` field, as written: possibly relative.
 *
 * @see RFC 8288, section 3
 */
export function nextLink(field: string): string | undefined {
  const reader = new HeaderReader(field);
  while (!reader.ended) {
    reader.take(SEPARATORS);
    const target = reader.take(TARGET);
    if (target === undefined) return undefined;
    if (takeRelations(reader).includes('next')) return target.slice(1, -1);
  }
  return undefined;
}

/** The relations of one link; a second `rel` is ignored, as the RFC says. */
function takeRelations(reader: HeaderReader): string[] {
  let relations: string[] | undefined;
  for (;;) {
    const name = reader.take(PARAMETER)?.replace(/^[ \t]*;[ \t]*/, '');
    if (name === undefined) return relations ?? [];
    if (reader.take(EQUALS) === undefined) continue;
    const value = reader.takeQuotedString() ?? reader.take(BARE_VALUE) ?? '';
    if (name.toLowerCase() === 'rel') relations ??= value.toLowerCase().split(/\s+/);
  }
}
