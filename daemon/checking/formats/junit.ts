import { countFindings, type RecipeFinding } from '../../../wishlist/check/finding.ts';
import { redact } from '../../configuration/secrets.ts';
import type { CheckedRecipe, CheckReport } from '../report.ts';
import { findingLine } from './text.ts';

/** A line of a recipe as a test case, which fails if it has an error. */
interface Case {
  readonly line: number;
  readonly text: string;
  readonly findings: readonly RecipeFinding[];
}

/**
 * A test report with one test case for each line that is new or has findings. Names are unique, since GitLab keeps
 * one test of each name.
 *
 * @see https://docs.gitlab.com/ci/testing/unit_test_reports, "JUnit XML format specification"
 */
export function formatJunit(report: CheckReport): string {
  const suites = report.recipes.map((recipe) => ({ recipe, cases: casesOf(recipe, report) }));
  const all = suites.flatMap(({ cases }) => cases);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'unpackd wishlist check', ...countsOf(all) })}>`,
    ...suites.flatMap(({ recipe: { file }, cases }) => suiteLines(file, cases)),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteLines(file: string, cases: readonly Case[]): string[] {
  const inner = cases.flatMap((one) => caseLines(file, one));
  return [`  <testsuite${attributes({ name: file, ...countsOf(cases) })}>`, ...inner, '  </testsuite>'];
}

function casesOf({ file }: CheckedRecipe, { wishes, findings }: CheckReport): Case[] {
  const own = findings.filter((finding) => finding.file === file);
  const texts = new Map<number, string>();
  for (const wish of wishes) if (wish.file === file) texts.set(wish.line, wish.text);
  for (const { line, text } of own) if (!texts.has(line)) texts.set(line, text);
  return [...texts]
    .sort(([one], [other]) => one - other)
    .map(([line, text]) => ({ line, text, findings: own.filter((finding) => finding.line === line) }));
}

function caseLines(file: string, { line, text, findings }: Case): string[] {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const others = findings.filter(({ severity }) => severity !== 'error');
  const head = `    <testcase${attributes({
    classname: file,
    name: text === '' ? `line ${line}` : `line ${line}: ${text}`,
    file,
    line: String(line),
    time: '0',
  })}`;
  if (findings.length === 0) return [`${head}/>`];
  const lines = [`${head}>`];
  const [first] = errors;
  if (first !== undefined) {
    const { code: type, message } = first;
    lines.push(`      <failure${attributes({ type, message })}>${findingLines(errors)}</failure>`);
  }
  if (others.length > 0) lines.push(`      <system-out>${findingLines(others)}</system-out>`);
  return [...lines, '    </testcase>'];
}

function countsOf(cases: readonly Case[]): Readonly<Record<string, string>> {
  const failures = cases.filter(({ findings }) => countFindings(findings).error > 0).length;
  return { tests: String(cases.length), failures: String(failures), errors: '0', time: '0' };
}

function findingLines(findings: readonly RecipeFinding[]): string {
  return findings.map((finding) => escaped(findingLine(finding))).join('\n');
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(redact(value))}"`)
    .join('');
}

/**
 * Escapes text or an attribute's value. Control characters, which XML cannot hold even escaped, are already gone;
 * two noncharacters are left.
 *
 * @see XML 1.0, section 2.2, "Char", and section 2.4
 */
function escaped(text: string): string {
  return text
    .replaceAll(/[\uFFFE\uFFFF]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
