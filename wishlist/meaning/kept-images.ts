import { groupBy } from '../../core/group-by.ts';
import { formatPlatform, type Platform } from '../../core/oci/platform.ts';
import { isAnswered } from './read-sources.ts';
import { removalOf, type Fate, type PublishedImage, type RemovalKnowledge } from './removal.ts';
import { protectedNames } from './uncertainty.ts';

/** What is known of the tags that led to images before. */
export interface TagsNow {
  /** How many images the tag's wishes keep for the platform; `undefined` where nobody asks for the tag on it. */
  readonly digests: (publicName: string, platform: Platform) => number | undefined;
  /** The tag is published for the platform, though no wish means it. */
  readonly isLeft: (publicName: string, platform: Platform) => boolean;
}

/**
 * Decides for published images that a tag led to before, each found by its digest: the latest ones stay, as many as the
 * tag's wishes say. Any doubt about the tag keeps all of them.
 *
 * @param kept each with `keptFor`
 */
export function decideKept(
  repository: string,
  kept: readonly PublishedImage[],
  tags: TagsNow,
  known: RemovalKnowledge,
): Fate[] {
  const names = new Set(kept.flatMap(({ keptFor }) => keptFor?.publicName ?? []));
  const uncertain = protectedNames(names, known.uncertainties, repository);
  const groups = groupBy(kept, ({ keptFor, platform }) =>
    JSON.stringify([keptFor?.publicName, formatPlatform(platform)]),
  );
  return [...groups.values()].flatMap((group) =>
    group.toSorted(latestFirst).map((published, index): Fate => {
      const { keptFor: { publicName } = { publicName: '' }, platform } = published;
      const digests = tags.digests(publicName, platform);
      if (digests !== undefined && index < digests) return { published, isKept: true };
      const isSure = !uncertain.has(publicName) && !tags.isLeft(publicName, platform);
      if (!isSure || !isAnswered(published, known.sources)) return { published };
      const reason = digests === undefined ? 'line gone' : 'old digest';
      return { published, removal: removalOf(published, reason, known) };
    }),
  );
}

function latestFirst(one: PublishedImage, other: PublishedImage): number {
  return (other.keptFor?.sinceMs ?? 0) - (one.keptFor?.sinceMs ?? 0);
}
