import { counted, formatBytes } from '../../../core/text.ts';
import { type RecipeFinding, countFindings } from '../../../wishlist/check/finding.ts';
import { redact } from '../../configuration/secrets.ts';
import {
  type CheckReport,
  type CheckedWish,
  bytesText,
  countText,
  platformsOf,
  sumText,
  tagsText,
} from '../report.ts';

/** First line of the comment, by which a workflow finds its earlier comment. @internal */
export const MARKER = '<!-- unpackd wishlist check -->';

/** In characters; GitHub limits comments to 65,536. */
const LONGEST_TABLE = 20_000;
const LONGEST_LIST = 25_000;
const LONGEST_DETAILS = 10_000;

/**
 * A comment for a pull request. Content of recipes and registries cannot act in it as Markdown, HTML, a mention or
 * a command.
 */
export function formatMarkdown(report: CheckReport): string {
  const fresh = report.findings.filter(({ isNew }) => isNew);
  const others = report.findings.filter(({ isNew }) => !isNew);
  const sum = sumText(report);
  const paragraphs = [
    MARKER,
    `### Wishlist check: ${verdict(report)}`,
    introduction(report),
    table(report.wishes.filter(({ images }) => images.length > 0)),
    sum === undefined ? '' : `This ${sum}.`,
    list(fresh),
    details(others),
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== '').join('\n\n')}\n`;
}

function verdict({ findings }: CheckReport): string {
  const { error, warning } = countFindings(findings);
  if (error > 0) return `${counted(error, 'error')} to correct`;
  return warning > 0 ? `no errors, ${counted(warning, 'warning')}` : 'fine';
}

function introduction(report: CheckReport): string {
  const { recipes, base, isOffline } = report;
  const files = recipes.map(({ file }) => code(file)).join(', ');
  const since = base === undefined ? '' : ` compared with ${code(base)}`;
  const asked = isOffline ? ' No registry was asked.' : '';
  return `${files}${since}: ${countText(report)}.${asked}`;
}

function table(wishes: readonly CheckedWish[]): string {
  if (wishes.length === 0) return '';
  const { kept, left } = fitting(wishes.map(row), LONGEST_TABLE);
  const rows = [
    '| image | tags | platforms | layers | compressed | unpacked | there already |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: |',
    ...kept,
  ];
  return left > 0 ? `${rows.join('\n')}\n\nAnd ${counted(left, 'more line')}.` : rows.join('\n');
}

function row(wish: CheckedWish): string {
  const { layers, compressedBytes, unpackedBytes, publishedBytes } = wish.sum;
  const tags = tagsText(wish);
  const cells = [
    inTable(wish.text),
    tags === '' ? '' : inTable(tags),
    platformsOf(wish).map(inTable).join(', '),
    String(layers),
    formatBytes(compressedBytes),
    bytesText(unpackedBytes),
    bytesText(publishedBytes),
  ];
  return `| ${cells.join(' | ')} |`;
}

function list(findings: readonly RecipeFinding[], longest = LONGEST_LIST): string {
  const ordered = (['error', 'warning', 'note'] as const).flatMap((severity) =>
    findings.filter((finding) => finding.severity === severity),
  );
  const { kept, left } = fitting(ordered.map(item), longest);
  return [...kept, ...(left > 0 ? [`- and ${counted(left, 'further finding')}`] : [])].join('\n');
}

/** The first of `lines` within `longest` characters. */
function fitting(lines: readonly string[], longest: number): { kept: readonly string[]; left: number } {
  let length = 0;
  const cut = lines.findIndex((line) => (length += line.length + 1) > longest);
  return cut === -1 ? { kept: lines, left: 0 } : { kept: lines.slice(0, cut), left: lines.length - cut };
}

function item({ severity, code: kind, file, line, message, hint }: RecipeFinding): string {
  const advice = hint === undefined ? '' : `<br>${inProse(hint)}`;
  return `- **${severity}** at ${code(`${file}:${line}`)} (${code(kind)}): ${inProse(message)}${advice}`;
}

function details(findings: readonly RecipeFinding[]): string {
  if (findings.length === 0) return '';
  const summary = `${counted(findings.length, 'finding')} on lines that are not new`;
  return `<details><summary>${summary}</summary>\n\n${list(findings, LONGEST_DETAILS)}\n\n</details>`;
}

/** Units after which a decimal number is one, not a tag. */
const UNIT = /^(?:B|kB|MB|GB|TB)\b/;

/** A word or small number without a meaning in Markdown, HTML, GitHub or GitLab. */
const PLAIN_WORD = /^\(?(?:[A-Za-z]+(?:['-][A-Za-z]+)*|\d{1,6}|…)\)?[,;:.?]?$/;

/**
 * `text` as it is, in a code span: nothing in one is Markdown, HTML or a mention.
 *
 * @see GitHub Flavored Markdown 0.29, section 6.3, "Code spans"
 * @internal
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
 * The same for a table cell, where a vertical line would end a code span; no image, tag or platform contains one.
 *
 * @see GitHub Flavored Markdown 0.29, section 4.10, "Tables (extension)"
 * @internal
 */
export function inTable(text: string): string {
  return code(text.replaceAll(/[|\\]/g, '?'));
}

/** Leaves plain words as they are and puts all else in code spans. @internal */
export function inProse(text: string): string {
  const pieces: string[] = [];
  let odd: string[] = [];
  const flush = (): void => {
    if (odd.length > 0) pieces.push(spanOf(odd.join(' ')));
    odd = [];
  };
  const words = redact(text).split(/ +/);
  for (const [index, word] of words.entries()) {
    const isSize = /^\d{1,6}\.\d$/.test(word) && UNIT.test(words[index + 1] ?? '');
    if (!isSize && !PLAIN_WORD.test(word)) {
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

/** Drops quotes around the whole, and keeps its final punctuation outside of the span. */
function spanOf(text: string): string {
  const [, body = text, mark = ''] = /^(.+?)([,;:.?]?)$/.exec(text) ?? [];
  const quoted = /^"([^"\\]+)"$/.exec(body)?.[1];
  return `${code(quoted ?? body)}${mark}`;
}
