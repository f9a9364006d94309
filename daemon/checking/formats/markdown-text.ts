import { redact } from '../../configuration/redact.ts';

/** A word or small number that means nothing in Markdown, HTML, or to GitHub and GitLab. */
const PLAIN_WORD = /^\(?(?:[A-Za-z]+(?:['-][A-Za-z]+)*|\d{1,6}|…)\)?[,;:.?]?$/;

/**
 * `text` as it is, in a code span: nothing in one is Markdown, HTML or a mention.
 *
 * @see GitHub Flavored Markdown 0.29, section 6.3, "Code spans"
 */
export function code(text: string): string {
  const shown = redact(text);
  if (shown === '') return '';
  const runs = [...shown.matchAll(/`+/g)];
  const longest = runs.reduce((most, [run]) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  const gap = longest > 0 ? ' ' : '';
  return `${fence}${gap}${shown}${gap}${fence}`;
}

/**
 * The same for a cell of a table, which a vertical line would end in a code span too; no image, tag or platform has one.
 *
 * @see GitHub Flavored Markdown 0.29, section 4.10, "Tables (extension)"
 */
export function inTable(text: string): string {
  return code(text.replaceAll(/[|\\]/g, '?'));
}

/** A sentence: plain words as they are, all else in code spans. */
export function inProse(text: string): string {
  const pieces: string[] = [];
  let odd: string[] = [];
  const flush = (): void => {
    if (odd.length > 0) pieces.push(spanOf(odd.join(' ')));
    odd = [];
  };
  for (const word of redact(text).split(/ +/)) {
    if (!PLAIN_WORD.test(word)) {
      odd.push(word);
      if (/[,;:.?]$/.test(word)) flush();
      continue;
    }
    flush();
    pieces.push(word);
  }
  flush();
  return pieces.join(' ');
}

/** Quotes around the whole, and the mark that ends it, stay outside of the span or go. */
function spanOf(text: string): string {
  const [, body = text, mark = ''] = /^(.+?)([,;:.?]?)$/.exec(text) ?? [];
  const quoted = /^"([^"\\]+)"$/.exec(body)?.[1];
  return `${code(quoted ?? body)}${mark}`;
}
