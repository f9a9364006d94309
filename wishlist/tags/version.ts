import type { SemVer } from 'semver';
import parse from 'semver/functions/parse.js';

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
export function prereleaseOf(suffix: string): string {
  return suffix.replaceAll('_', '-').split('.').map(withoutZeros).join('.');
}

/** A number without the zeros that it begins with; anything else as it is. */
export function withoutZeros(text: string): string {
  return /^\d+$/.test(text) ? text.replace(/^0+(?=\d)/, '') : text;
}

function readVersion(tag: string): SemVer | undefined {
  const [, major, minor = '0', patch = '0', suffix] = VERSION.exec(tag) ?? [];
  if (major === undefined) return undefined;
  const numbers = [major, minor, patch].map(withoutZeros).join('.');
  return parse(suffix === undefined ? numbers : `${numbers}-${prereleaseOf(suffix)}`) ?? undefined;
}
