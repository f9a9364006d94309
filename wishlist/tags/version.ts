import parse from 'semver/functions/parse.js';
import Range from 'semver/classes/range.js';
import type { SemVer } from 'semver';
import { Failure } from '../../core/failure.ts';
import type { TagMatcher } from '../../core/oci/pattern.ts';
import { quoted } from '../../core/text.ts';

const VERSION = /^[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-_]([A-Za-z0-9._-]+))?$/;
const MAXIMUM_KNOWN = 20_000;

/** Repositories have the same tags, and each is looked at by many patterns. */
const known = new Map<string, SemVer | undefined>();

/**
 * The version that a tag stands for, `undefined` where it stands for none. Tags are read more generously than the
 * specification writes versions: `v` or `V` may come first, there are one to three numbers, which may begin with zeros,
 * and missing ones are zero. What follows a `-` or `_` is the name of a prerelease, in which `_` is the same as `-`.
 *
 * So `1.7` and `v1.7.0` are 1.7.0, `2023.08.01` is 2023.8.1, `20230801` is 20230801.0.0 and `24.11-py3` is 24.11.0-py3,
 * which comes before 24.11.0. `latest`, `1.2.3.4`, `1.2rc1`, `jammy-22.04` are none, nor are numbers over 2^53.
 *
 * @see Semantic Versioning 2.0.0, sections 2, 9 and 11
 */
export function parseVersion(tag: string): SemVer | undefined {
  const found = known.get(tag);
  if (found !== undefined || known.has(tag)) return found;
  if (known.size >= MAXIMUM_KNOWN) known.clear();
  const version = readVersion(tag);
  known.set(tag, version);
  return version;
}

/** `suffix`, which follows a `-` or `_`, as the identifiers of a prerelease. */
function prereleaseOf(suffix: string): string {
  return suffix.replaceAll('_', '-').split('.').map(withoutZeros).join('.');
}

/** A number without the zeros that it begins with; anything else as it is. */
function withoutZeros(text: string): string {
  return /^\d+$/.test(text) ? text.replace(/^0+(?=\d)/, '') : text;
}

function readVersion(tag: string): SemVer | undefined {
  const [, major, minor = '0', patch = '0', suffix] = VERSION.exec(tag) ?? [];
  if (major === undefined) return undefined;
  const numbers = [major, minor, patch].map(withoutZeros).join('.');
  return parse(suffix === undefined ? numbers : `${numbers}-${prereleaseOf(suffix)}`) ?? undefined;
}

const MOST_SHOWN = 5;

/** Tags as people read versions: `1.9` before `1.10`. */
export function inVersionOrder(tags: readonly string[]): string[] {
  // Made here, since it takes milliseconds at each start otherwise.
  const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });
  return tags.toSorted(compare);
}

/** Some of `ordered`, with the last one at the end: `1.0, 1.1, 1.2 … 1.12`. */
export function someTags(ordered: readonly string[]): string {
  if (ordered.length <= MOST_SHOWN) return ordered.join(', ');
  return `${ordered.slice(0, MOST_SHOWN - 2).join(', ')} … ${ordered.at(-1)}`;
}

const MAXIMUM_CHARACTERS = 1000;
const CONDITION =
  /^(>=|<=|>|<|=|~>|~|\^)?[vV]?(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-_]([A-Za-z0-9._-]+))?$/;
const EXAMPLES =
  'write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives';

/**
 * Whether `text` means a range of versions rather than a tag or a glob: it begins with one of `<` `>` `=` `^` `~`, or
 * holds white space or `||`. No tag does, so `1.2` and `1.x` mean these tags, `=1.2` and `1.x || 2.x` versions.
 */
export function isRange(text: string): boolean {
  return /^[<>=^~]|\s|\|\|/.test(text);
}

/**
 * What is in the range of versions `text`, written as npm does: conditions that all must hold, `||` between
 * alternatives, `A - B`, `^`, `~` and `x`. Versions are read as in tags, where a missing number stands for any: `=21.2` is
 * every 21.2.z, `21.2 - 21.4` ends with the last 21.4.z, `>21` begins with 22. Tags that are no versions are in no range. A
 * prerelease is in it only where a condition names a prerelease of the same three numbers.
 *
 * @see https://github.com/npm/node-semver#ranges
 * @throws Failure `pattern-invalid`; the message is a predicate, such as `is met by no version`
 */
export function rangeMatcher(text: string): TagMatcher {
  if (text.length > MAXIMUM_CHARACTERS) {
    throw invalid(
      `has ${text.length} characters, and ${MAXIMUM_CHARACTERS} are allowed`,
      'make it several ranges',
    );
  }
  const range = new Range(text.split('||').map(readAlternative).join(' || '));
  return (tag) => {
    const version = parseVersion(tag);
    return version !== undefined && range.test(version);
  };
}

/** `text` in the strict form; the library itself passes over what it does not understand. */
function readAlternative(text: string): string {
  const [from = '', to, more] = text.trim().replaceAll(/\s+/g, ' ').split(' - ');
  if (from === '') throw invalid('has an empty side of ||, which would mean every version', EXAMPLES);
  if (more !== undefined) throw invalid('has more than one - between versions', EXAMPLES);
  const strict =
    to === undefined
      ? from
          .replace(/([<>=~^])\s+/g, '$1')
          .split(/\s+/)
          .map(readCondition)
          .join(' ')
      : `${readBound(from)} - ${readBound(to)}`;
  const range = new Range(strict);
  if (range.intersects(range)) return strict;
  throw invalid(
    'is met by no version, since all conditions must hold together',
    'correct the bounds, or put || between alternatives; list tags one by one',
  );
}

function readBound(text: string): string {
  const condition = readCondition(text);
  if (/^\d/.test(condition)) return condition;
  throw invalid(`has ${quoted(text)} beside a -, where a version belongs`, EXAMPLES);
}

function readCondition(text: string): string {
  const [, operator = '', major, minor, patch, suffix] = CONDITION.exec(text) ?? [];
  if (major === undefined)
    throw invalid(`has ${quoted(text)}, which is not a version condition`, hintFor(text));
  const numbers = [major, minor, patch].filter((part) => part !== undefined).map(withoutZeros);
  if (suffix === undefined) return valid(text, `${operator}${numbers.join('.')}`);
  const [first = '', second = '0', third = '0'] = numbers;
  return valid(text, `${operator}${first}.${second}.${third}-${prereleaseOf(suffix)}`);
}

/** `condition`, which `text` means, once the library has accepted it: numbers can be too large, identifiers empty. */
function valid(text: string, condition: string): string {
  try {
    return new Range(condition).raw;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalid(`has ${quoted(text)}, which is not a version condition`, EXAMPLES);
  }
}

function hintFor(text: string): string {
  if (text.includes(',')) return 'put a space, not a comma, between conditions that must hold together';
  if (/^\D*\d+(?:\.\d+){3}/.test(text))
    return 'versions have up to three numbers; write a pattern with * instead';
  if (/[$()+\\]/.test(text))
    return 'neither ranges nor patterns are regular expressions; remove what belongs to one';
  if (/^[^<>=^~|-]/.test(text)) return `list tags and patterns one by one; for a range, ${EXAMPLES}`;
  return EXAMPLES;
}

function invalid(reason: string, hint: string): Failure {
  return new Failure('pattern-invalid', reason, { hint });
}
