import { Failure, isFailure } from '../../core/failure.ts';
import {
  alternativesAtMost,
  alternativesIn,
  checkGlob,
  globMatcher,
  MAXIMUM_CHARACTERS,
  type TagMatcher,
} from '../../core/oci/pattern.ts';
import { quoted } from '../../core/text.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { isRange, rangeMatcher } from './version.ts';

/** An entry of a list of tags. */
export interface TagEntry {
  /** `exclude` where it begins with `!`: what it matches is left out, whatever else asks for it, before or after. */
  readonly kind: 'include' | 'exclude';
  /** A tag, a glob or a range of versions; without the `!` and white space around it. */
  readonly pattern: string;
}

/**
 * Reads an entry of a list of tags: a tag, a glob as {@link checkGlob} describes it, or a range of versions as
 * {@link isRange} recognizes and {@link rangeMatcher} reads it; with `!` in front, what is left out.
 *
 * @throws Failure `pattern-invalid`
 */
export function parseTagEntry(text: string): TagEntry {
  const written = text.trim();
  if (!written.startsWith('!')) return { kind: 'include', pattern: parseTagPattern(written) };
  return { kind: 'exclude', pattern: parseTagPattern(written.slice(1)) };
}

/**
 * A tag, a glob or a range of versions, without white space around it: an entry of a list in which `!` has no meaning.
 *
 * @throws Failure `pattern-invalid`
 */
export function parseTagPattern(text: string): string {
  const pattern = text.trim();
  try {
    if (pattern.startsWith('!')) {
      throw new Failure('pattern-invalid', 'begins with a ! that has no meaning there', {
        hint: 'remove it: what is left out has one !, and none in a list of exclusions',
      });
    }
    refuseReference(pattern);
    if (isRange(pattern)) rangeMatcher(pattern);
    else checkGlob(pattern);
    return pattern;
  } catch (error) {
    if (!isFailure(error, 'pattern-invalid')) throw error;
    const shown = isLikeReference(pattern) ? withoutSecrets(pattern, 'full') : pattern;
    const message = `${quoted(shown)} is not a valid tag pattern: it ${error.message}`;
    throw new Failure(error.code, message, error.hint === undefined ? {} : { hint: error.hint });
  }
}

/** Compiles `pattern`, as {@link parseTagPattern} returns it. */
export function tagMatcher(pattern: string): TagMatcher {
  return isRange(pattern) ? rangeMatcher(pattern) : globMatcher(pattern);
}

/** First of all, so that nothing else quotes a part of it: it may hold a password. */
function refuseReference(pattern: string): void {
  if (!isLikeReference(pattern)) return;
  throw new Failure('pattern-invalid', 'holds a / or @, which no tag does', {
    hint: 'write the tag alone, without registry and repository',
  });
}

function isLikeReference(pattern: string): boolean {
  return /[/@]/.test(pattern);
}

/** Estimates the cost of parsing `pattern`, valid or not: about a microsecond each. */
export function patternCost(pattern: string): number {
  if (isRange(pattern)) return 8 * Math.min(pattern.length, MAXIMUM_CHARACTERS);
  return alternativesAtMost(pattern);
}

/** The most comparisons for matching a tag with `pattern`, as {@link parseTagPattern} returns it. */
export function matchCost(pattern: string): number {
  return isRange(pattern) ? pattern.split(/\s+|\|\|/).length : alternativesIn(pattern);
}
