import { flatten, withoutRunnerCommands } from '../../configuration/flatten.ts';
import { redact } from '../../configuration/redact.ts';
import { withoutSecrets } from '../../../core/secrets.ts';
import type { Finding } from '../../../wishlist/check/finding.ts';

const DIGEST = /@sha256:[0-9a-f]{64}\b/g;
const SECRET_KEY = /^[\s{-]*["']?(?:\w[\w-]*)?(?:pass(?:word|wd|phrase)?|secret|token|auth|key)["']?\s*:\s/i;

/**
 * The line that a finding is about, with carets below what it means; `undefined` where there is none. A line that may
 * hold a password or token is shown as far as the finding itself shows it.
 */
export function excerptOf(finding: Finding, lines: readonly string[]): string | undefined {
  const line = lines[finding.line - 1];
  if (line === undefined || line.trim() === '') return undefined;
  const number = String(finding.line);
  const margin = `${' '.repeat(number.length)} |`;
  const safe = safeParts(line, finding);
  if (safe === undefined) return finding.text === '' ? undefined : ` ${number} | ${redact(finding.text)}`;
  const { before, marked, after } = safe;
  const shown = withoutRunnerCommands(` ${number} | ${before}${marked}${after}`).trimEnd();
  if (finding.column === undefined) return shown;
  return `${shown}\n ${margin} ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`;
}

interface Parts {
  readonly before: string;
  readonly marked: string;
  readonly after: string;
}

function safeParts(line: string, { column, endColumn }: Finding): Parts | undefined {
  if (mayHoldSecret(line)) return undefined;
  const start = (column ?? 1) - 1;
  const end = (endColumn ?? start + 1) - 1;
  return {
    before: visible(line.slice(0, start)),
    marked: visible(line.slice(start, end)),
    after: visible(line.slice(Math.max(start, end))),
  };
}

/**
 * A user name before an @, a query string, or the value of a key such as `password`, which a recipe has no use for. What
 * the masks of all output find counts too.
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

/** Without control characters, and with white space that carets can stand below. */
function visible(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '');
}
