import { posix } from 'node:path';
import { countFindings, type RecipeFinding, type Severity } from '../../../wishlist/check/finding.ts';
import { redact } from '../../configuration/secrets.ts';
import { type CheckReport, countText, sumText } from '../report.ts';

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'notice' };
/** Annotations of each kind that GitHub shows for one step; the log has all. */
const SHOWN_OF_A_KIND = 10;

/**
 * Workflow commands that GitHub shows as annotations of lines; lines that a change leaves alone get none.
 *
 * @see https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions, "Setting an error message"
 */
export function formatGithub(report: CheckReport): string {
  const shown = report.findings.filter(({ isNew }) => isNew);
  const counts = Object.values(countFindings(shown));
  const isCut = counts.some((count) => count > SHOWN_OF_A_KIND);
  const sum = sumText(report);
  return [
    ...shown.map(commandOf),
    ...(isCut ? [`GitHub shows the first ${SHOWN_OF_A_KIND} annotations of a kind; this log has all`] : []),
    ...(sum === undefined ? [] : [sum]),
    countText(report),
    '',
  ].join('\n');
}

function commandOf({ file, line, column, endColumn, severity, code, message, hint }: RecipeFinding): string {
  const properties: readonly (readonly [name: string, value: string | undefined])[] = [
    ['file', posix.normalize(file)],
    ['line', String(line)],
    ['col', column === undefined ? undefined : String(column)],
    ['endColumn', endColumn === undefined ? undefined : String(endColumn - 1)],
    ['title', code],
  ];
  const written = properties.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${property(redact(value))}`],
  );
  const text = [message, ...(hint === undefined ? [] : [hint])].map(redact).join('\n');
  return `::${COMMANDS[severity]} ${written.join(',')}::${data(text)}`;
}

/**
 * Escapes the text after `::` of a command.
 *
 * @see https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
 */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Escapes a property's value, which commas and colons would end. */
function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
