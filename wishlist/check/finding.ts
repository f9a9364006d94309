import type { Failure, FailureCode } from '../../core/failure.ts';
import { matchesRegistry } from '../../core/oci/registry-host.ts';
import { counted, quoted } from '../../core/text.ts';
import { inVersionOrder, someTags } from '../tags/version.ts';
import { aboutLine, type Problem, type ProblemCode } from '../recipe/problem.ts';
import type { Wish } from '../recipe/wish.ts';

/** Codes of `wishlist check` alone. Closed; tests assert them, and docs/errors.md explains them. */
export type CheckCode =
  | 'wish-covered' // an image that a pattern of another line means as well
  | 'wish-elsewhere' // an image that another of the given recipes asks for in the same repository
  | 'pattern-means' // what a pattern means today
  | 'pattern-sampled' // a pattern with more images than were looked at
  | 'image-too-large' // an image whose layers exceed the limit
  | 'wishes-removed' // lines of the earlier version that ask for what nobody asks for any more
  | 'names-removed' // published images that nobody asks for once the recipes are in force
  | 'base-unusable'; // the earlier version of the recipe is none: every line counts as new

/** Everything that a check can find. */
export type FindingCode = ProblemCode | FailureCode | CheckCode;

/** Errors make a check fail; a note is for information. */
export type Severity = Problem['severity'];

/** A finding whose text has not been located yet. */
export interface Remark extends Omit<Problem, 'code'> {
  readonly code: FindingCode;
}

/** An error, a warning or a note about a line of a recipe. */
export interface RecipeFinding extends Remark {
  /** The recipe, as given. */
  readonly file: string;
  /** Behind the last character, where the end is known. */
  readonly endColumn: number | undefined;
  /** The line is new or changed; without an earlier version every line is. */
  readonly isNew: boolean;
}

/** The place of a remark. */
export interface Whereabouts {
  readonly file: string;
  /** The lines of the recipe, without their ends. */
  readonly lines: readonly string[];
  readonly isNew: boolean;
}

/** Puts `remark` in its place. About a line that is not new it is a note. */
export function findingOf(remark: Remark, { file, lines, isNew }: Whereabouts): RecipeFinding {
  const { code, line, text, message, hint } = remark;
  const extent = extentOf(lines[line - 1] ?? '', remark);
  const severity = isNew ? remark.severity : 'note';
  return { severity, code, file, line, ...extent, text, message, hint, isNew };
}

/** Finds the extent of the text; a remark's own column may be that of a quote in front of it. */
function extentOf(line: string, { column, text }: Remark): Pick<RecipeFinding, 'column' | 'endColumn'> {
  const from = (column ?? 1) - 1;
  const start = text === '' ? -1 : line.indexOf(text, from);
  const isElsewhere = start === -1 || (column !== undefined && start - from > 1);
  if (isElsewhere) return { column, endColumn: undefined };
  return { column: start + 1, endColumn: start + 1 + text.length };
}

export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n|\r/);
}

/** Counts `findings` by severity. */
export function countFindings(findings: readonly RecipeFinding[]): Readonly<Record<Severity, number>> {
  const counts = { error: 0, warning: 0, note: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}

/** Failures of registries, networks and this machine's set-up: the author of a line cannot help them. */
const NOT_THE_AUTHORS: ReadonlySet<FailureCode> = new Set([
  'registry-unreachable',
  'registry-timeout',
  'dns-failed',
  'tls-failed',
  'registry-error',
  'rate-limited',
  'credentials-unavailable',
]);

/** A remark about a wish as a whole. */
export function remarkOn(
  wish: Wish,
  severity: Severity,
  { hint, ...what }: Pick<Remark, 'code' | 'message'> & Partial<Pick<Remark, 'hint'>>,
): Remark {
  return { ...aboutLine(wish, severity), ...what, hint };
}

/** The severity of a registry's answer for a wish. */
export function severityOf({ code }: Failure): Severity {
  return NOT_THE_AUTHORS.has(code) ? 'warning' : 'error';
}

/** Reports the tags that a pattern matches, at least one, and whether they are more than `limit`. */
export function judgePattern(wish: Wish, tags: readonly string[], limit: number): Remark {
  const ordered = inVersionOrder(tags);
  const count = counted(tags.length, 'tag');
  if (tags.length <= limit) {
    const message = `${quoted(wish.text)} means ${count} today: ${someTags(ordered)}`;
    return remarkOn(wish, 'note', { code: 'pattern-means', message });
  }
  return remarkOn(wish, 'error', {
    code: 'pattern-too-wide',
    message: `${quoted(wish.text)} means ${count} today, and the limit is ${limit}: ${someTags(ordered)}`,
    hint: 'narrow the pattern, or ask whoever keeps the wishlist to allow more',
  });
}

export function judgeSize(
  wish: Wish,
  { image, compressedBytes }: { readonly image: string; readonly compressedBytes: number },
  limit: { readonly bytes: number; readonly format: (bytes: number) => string },
): Remark | undefined {
  if (compressedBytes <= limit.bytes) return undefined;
  const [size, allowed] = [limit.format(compressedBytes), limit.format(limit.bytes)];
  return remarkOn(wish, 'error', {
    code: 'image-too-large',
    message: `the layers of ${image} have ${size} compressed, and ${allowed} are allowed`,
    hint: 'make the image smaller, or ask whoever keeps the wishlist to allow more',
  });
}

export function judgeRegistry(wish: Wish, allowed: readonly string[] | undefined): Remark | undefined {
  const { registry } = wish.reference;
  if (allowed === undefined || matchesRegistry(allowed, wish.reference)) return undefined;
  return remarkOn(wish, 'error', {
    code: 'registry-not-allowed',
    message: `${quoted(wish.text)} is at the registry ${registry}, which this wishlist does not allow; it was not asked`,
    hint: `push the image to one of: ${allowed.join(', ')}; or ask whoever keeps the wishlist`,
  });
}
