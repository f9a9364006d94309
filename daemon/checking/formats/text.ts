import { formatProblem } from '../../../wishlist/recipe/problem.ts';
import type { Finding } from '../../../wishlist/check/finding.ts';
import { counted, formatBytes } from '../../../core/text.ts';
import { redactLine } from '../../configuration/redact.ts';
import type { CheckedRecipe, CheckedWish, CheckReport } from '../report.ts';
import { excerptOf } from './excerpt.ts';
import { bytesText, countText, platformsOf, sumText } from './phrases.ts';

/** As compilers write it, with the line and carets below each finding, and what the images take at the end. */
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
export function findingLine(finding: Finding): string {
  return redactLine(formatProblem(finding.file, finding));
}

function findingText(finding: Finding, recipes: readonly CheckedRecipe[]): string {
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
  const what = wishes === undefined ? 'no recipe' : `${counted(wishes, 'wish', 'wishes')}${since}`;
  return redactLine(`${file}: ${what}; ${countText({ findings: own })}`);
}
