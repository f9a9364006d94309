import Range from 'semver/classes/range.js';
import { Failure } from '../../core/failure.ts';
import type { TagMatcher } from '../../core/oci/pattern.ts';
import { quoted } from '../../core/text.ts';
import { parseVersion, prereleaseOf, withoutZeros } from './version.ts';

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
    throw invalid(`has ${quoted(text)}, which is no condition on a version`, hintFor(text));
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
    throw invalid(`has ${quoted(text)}, which is no condition on a version`, EXAMPLES);
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
