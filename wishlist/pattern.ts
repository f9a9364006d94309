import { Minimatch } from 'minimatch';

/** Turns off everything that minimatch knows beside `*`. `platform` keeps a backslash an escape character. */
const ONLY_STARS = {
  dot: true,
  nobrace: true,
  nocomment: true,
  noext: true,
  noglobstar: true,
  nonegate: true,
  platform: 'linux',
} as const;

/**
 * The tags that `pattern` matches as a whole, in the given order. A `*` stands for any number of characters, none
 * included; every other character means itself.
 * An empty tag, `.` and `..`, which registries cannot have, match no `*`.
 */
export function matchTags(pattern: string, tags: readonly string[]): string[] {
  const matcher = new Minimatch(pattern.replace(/[?[\]()\\]/g, '\\$&'), ONLY_STARS);
  return tags.filter((tag) => matcher.match(tag));
}
