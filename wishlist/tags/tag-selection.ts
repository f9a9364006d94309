import type { SemVer } from 'semver';
import type { TagMatcher } from '../../core/oci/pattern.ts';
import { type ImageReference, isPattern } from '../../core/oci/reference.ts';
import { matchCost, tagMatcher } from './tag-entry.ts';
import { parseVersion } from './version.ts';

/** Tags of a repository: those that match one of `include` and none of `exclude`. */
export interface TagSelection {
  /** Tags, globs and ranges of versions, as `parseTagPattern` gives them; none means no tag. */
  readonly include: readonly string[];
  /** Of the same kinds. */
  readonly exclude: readonly string[];
  /** Of the rest only the tags with so many of the highest versions, at least 1; `undefined` for all. */
  readonly newest: number | undefined;
}

/** The selection in a reference itself; `undefined` for a single image. */
export function selectionOf({ tag }: ImageReference): TagSelection | undefined {
  return tag !== undefined && isPattern(tag) ? { include: [tag], exclude: [], newest: undefined } : undefined;
}

/**
 * Selects from `tags`, in their order.
 *
 * `newest` counts versions as `parseVersion` reads them, prereleases like others; tags that are no versions are left out
 * then. Where tags spell one version differently, such as `1.7` and `v1.7.0`, it counts once and all of them are meant.
 */
export function selectTags(selection: TagSelection, tags: readonly string[]): string[] {
  const chosen = tags.filter(matcherOf(selection));
  return selection.newest === undefined ? chosen : newestOf(chosen, selection.newest);
}

/**
 * Whether `selection` means `tag`, whatever other tags the repository has. So it is false where `newest` is given: what
 * is among the newest today need not be tomorrow.
 */
export function covers(selection: TagSelection, tag: string): boolean {
  return selection.newest === undefined && matcherOf(selection)(tag);
}

/** The same without tags that match one of `exclude` either. */
export function narrowed(
  selection: TagSelection | undefined,
  exclude: readonly string[] = [],
): TagSelection | undefined {
  if (selection === undefined || exclude.length === 0) return selection;
  return { ...selection, exclude: [...selection.exclude, ...exclude] };
}

/** The most comparisons for choosing `selection` from so many tags. */
export function selectionCost({ include, exclude }: TagSelection, tags: number): number {
  return tags * [...include, ...exclude].reduce((sum, pattern) => sum + matchCost(pattern), 0);
}

/** Compiled matchers, which live as long as their selections. */
const matchers = new WeakMap<TagSelection, TagMatcher>();

function matcherOf(selection: TagSelection): TagMatcher {
  const found = matchers.get(selection);
  if (found !== undefined) return found;
  const isIncluded = anyOf(selection.include.map(tagMatcher));
  const isExcluded = anyOf(selection.exclude.map(tagMatcher));
  const matcher: TagMatcher =
    selection.exclude.length === 0 ? isIncluded : (tag) => isIncluded(tag) && !isExcluded(tag);
  matchers.set(selection, matcher);
  return matcher;
}

function anyOf(alternatives: readonly TagMatcher[]): TagMatcher {
  const [only, ...others] = alternatives;
  if (only !== undefined && others.length === 0) return only;
  return (tag) => {
    for (const matches of alternatives) if (matches(tag)) return true;
    return false;
  };
}

function newestOf(tags: readonly string[], count: number): string[] {
  const versions = tags.map((tag) => parseVersion(tag));
  const lowest = highest(versions, count).at(-1);
  if (lowest === undefined) return [];
  return tags.filter((_, index) => (versions[index]?.compare(lowest) ?? -1) >= 0);
}

/** At most `count` of `versions`, the highest first, each once. */
function highest(versions: readonly (SemVer | undefined)[], count: number): SemVer[] {
  return versions
    .filter((version) => version !== undefined)
    .sort((one, other) => other.compare(one))
    .filter((version, index, sorted) => sorted[index - 1]?.compare(version) !== 0)
    .slice(0, count);
}

/**
 * What refers to an image by its digest: signatures, attestations and lists of software as cosign names them
 * (`sha256-….sig`, `.att`, `.sbom`), and the referrers of registries that have no API for them (`sha256-…`).
 *
 * @see OCI distribution specification 1.1, "Referrers Tag Schema"
 */
const FORM = /^sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{64}(?:[0-9a-f]{64})?)(?:\.[A-Za-z0-9._-]+)?$/;

/** Patterns for all tags of that form, and few others. */
export const ARTIFACT_TAGS: readonly string[] = ['sha256-*', 'sha512-*'];

/** Returns whether `tag` has the form of an artifact's. */
export function isArtifactTag(tag: string): boolean {
  return FORM.test(tag);
}

/** Returns whether `selection` names `tag` itself, not by a pattern. */
export function isNamedBy(selection: TagSelection | undefined, tag: string | undefined): boolean {
  return selection === undefined || (tag !== undefined && selection.include.includes(tag));
}
