import { withoutSecrets } from '../../../core/secrets.ts';
import { counted, formatBytes } from '../../../core/text.ts';
import type { RecipeFinding } from '../../../wishlist/check/finding.ts';
import { formatProblem } from '../../../wishlist/recipe/problem.ts';
import { flatten, withoutRunnerCommands, redact, redactLine } from '../../configuration/secrets.ts';
import {
  type CheckReport,
  type CheckedRecipe,
  type CheckedWish,
  bytesText,
  countText,
  platformsOf,
  sumText,
} from '../report.ts';

/** Compiler style, with the line and carets below each finding, and the sizes at the end. */
export function formatText(report: CheckReport): string {
  const images = report.wishes.filter((wish) => wish.images.length > 0).map(imageLine);
  const sum = sumText(report);
  return [
    ...report.findings.map((finding) => findingText(finding, report.recipes)),
    ...images,
    ...(sum === undefined ? [] : [sum]),
    ...report.recipes.map((recipe) => summaryLine(recipe, report)),
    '',
  ].join('\n');
}

/** `FILE:LINE:COLUMN: SEVERITY: MESSAGE; HINT [CODE]` */
export function findingLine(finding: RecipeFinding): string {
  return redactLine(formatProblem(finding.file, finding));
}

function findingText(finding: RecipeFinding, recipes: readonly CheckedRecipe[]): string {
  const lines = recipes.find(({ file }) => file === finding.file)?.lines ?? [];
  const excerpt = excerptOf(finding, lines);
  return [findingLine(finding), ...(excerpt === undefined ? [] : [excerpt])].join('\n');
}

function imageLine(wish: CheckedWish): string {
  const { layers, compressedBytes, unpackedBytes, publishedBytes } = wish.sum;
  const facts = [
    platformsOf(wish).join(', '),
    counted(layers, 'layer'),
    `${formatBytes(compressedBytes)} compressed`,
    `unpacked ${bytesText(unpackedBytes)}`,
    `published already ${bytesText(publishedBytes)}`,
  ];
  return redactLine(`${wish.text}: ${facts.join('; ')}`);
}

function summaryLine(
  { file, wishes }: CheckedRecipe,
  { findings, base, wishes: checked }: CheckReport,
): string {
  const own = findings.filter((finding) => finding.file === file);
  const fresh = checked.filter((wish) => wish.file === file).length;
  const since = base === undefined ? '' : `, ${fresh} new or changed since ${base}`;
  const what = wishes === undefined ? 'not a valid recipe' : `${counted(wishes, 'wish', 'wishes')}${since}`;
  return redactLine(`${file}: ${what}; ${countText({ findings: own })}`);
}

const DIGEST = /@sha256:[0-9a-f]{64}\b/g;
const SECRET_KEY = /^[\s{-]*["']?(?:\w[\w-]*)?(?:pass(?:word|wd|phrase)?|secret|token|auth|key)["']?\s*:\s/i;

/**
 * The line of a finding, with carets below the part that is meant; `undefined` if there is none. Of a line that may
 * hold a password or token only the text of the finding is shown.
 *
 * @internal
 */
export function excerptOf(finding: RecipeFinding, lines: readonly string[]): string | undefined {
  const line = lines[finding.line - 1];
  if (line === undefined || line.trim() === '') return undefined;
  const number = String(finding.line);
  const margin = `${' '.repeat(number.length)} |`;
  if (mayHoldSecret(line)) return finding.text === '' ? undefined : ` ${number} | ${redact(finding.text)}`;
  const start = (finding.column ?? 1) - 1;
  const end = (finding.endColumn ?? start + 1) - 1;
  const before = visible(line.slice(0, start));
  const marked = visible(line.slice(start, end));
  const after = visible(line.slice(Math.max(start, end)));
  const shown = withoutRunnerCommands(` ${number} | ${before}${marked}${after}`).trimEnd();
  if (finding.column === undefined) return shown;
  return `${shown}\n ${margin} ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`;
}

/**
 * Matches user names before an @, query strings and values of keys such as `password`, none of which belongs in a
 * recipe, and everything that is redacted in output.
 */
function mayHoldSecret(line: string): boolean {
  const rest = line.replaceAll(DIGEST, '');
  return (
    /@|[?&][^\s='"?&]*=/.test(rest) ||
    SECRET_KEY.test(line) ||
    redact(line) !== flatten(line) ||
    withoutSecrets(rest, 'full') !== rest
  );
}

/** Drops control characters and turns tabs into spaces, so that carets line up. */
function visible(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '');
}
