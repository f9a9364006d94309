import type { Platform } from '../../core/oci/platform.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Keep } from '../recipe/settings.ts';
import { isAnswered, type ReadSources } from './read-sources.ts';
import { groupBy } from '../../core/group-by.ts';
import { goneSinceMs, type Absence } from './absence.ts';
import { protectedNames, type Uncertainty } from './uncertainty.ts';

/** A published image, for one platform. */
export interface PublishedImage {
  /** As a wished image has it, also for a further platform. */
  readonly publicName: string;
  readonly platform: Platform;
  /** Of its config: equal for equal images. */
  readonly digest: string;
  /** As the last wish for it said. */
  readonly keep: Keep | undefined;
  /** Since when nobody asks for it, in ms since 1970; `undefined` while somebody may. */
  readonly unwantedSinceMs: number | undefined;
  /**
   * The sources that asked for its name the last time that each was read; the last ones to ask stay. Empty for what was
   * published by hand, found in the repository, or forgotten with the state: that is no plan's to remove.
   */
  readonly askedBy: readonly string[];
  /** The tag that led to it before, by its public name, and until when, where it is found by its digest for that reason. */
  readonly keptFor?: { readonly publicName: string; readonly sinceMs: number } | undefined;
  /** The operator lets it go, whatever holds it. */
  readonly isConfirmed: boolean;
}

/** What registries said of single tags in this cycle. */
export interface TagAnswers {
  /** Of a tag that its registry surely does not have now. */
  readonly absent: (publicName: string) => Absence | undefined;
}

/** A pattern whose images are known: tags that it matches are wanted as long as the registry has them. */
export interface KnownPattern extends Uncertainty {
  readonly image: string;
  /** For a tag of it, with that tag. */
  readonly reference: ImageReference;
  /**
   * Where it means only the newest of the tags that match: all that match, as the registry lists them. `undefined` for other
   * patterns.
   */
  readonly listed: ReadonlySet<string> | undefined;
}

export type RemovalReason =
  | 'line gone'
  | 'tag gone'
  | 'pattern changed'
  | 'newer tags'
  | 'platform no longer asked for'
  | 'source gone'
  | 'old digest';

/** A published image that nobody asks for any more, or that its registry no longer has. */
export interface Removal {
  readonly published: PublishedImage;
  readonly reason: RemovalReason;
  /** Since when, in ms since 1970. */
  readonly sinceMs: number;
  /** When it may be removed, in ms since 1970, also in the past; `undefined` for never. */
  readonly dueMs: number | undefined;
}

/** What the removal of an image depends on, beside the wishes. */
export interface RemovalKnowledge {
  /** Further images that may be asked for. */
  readonly uncertainties: readonly Uncertainty[];
  readonly patterns: readonly KnownPattern[];
  readonly tags: TagAnswers;
  readonly sources: ReadSources;
  /** For images whose wishes said nothing. */
  readonly keep: Keep;
  /** In ms since 1970: what is found to be unwanted now is so since then. */
  readonly nowMs: number;
}

/** How long the public name of an image stays that nobody asks for any more, where no line says it. */
export const DEFAULT_KEEP = { days: 2 } as const satisfies Keep;

const DAY_MS = 86_400_000;

/** What is to become of an image that no wish means. */
export interface Fate {
  readonly published: PublishedImage;
  /** `undefined`: it stays. */
  readonly removal?: Removal;
  /** It stays for sure. */
  readonly isKept?: boolean;
  /** What its fate depends on: whether its registry has this tag. */
  readonly question?: ImageReference;
}

/**
 * Decides for published images without a wish. A pure function.
 *
 * Any doubt keeps an image: a source that was not read, a line that may mean it, or a pattern that meant it while its
 * registry does not say for sure, twice, that the tag is gone.
 *
 * @param wantedNames public names that are wanted for other platforms; of those that a pattern found in the list of their
 *   registry, every pattern has said for which
 */
export function decideUnwanted(
  repository: string,
  unwanted: readonly PublishedImage[],
  wantedNames: Pick<ReadonlySet<string>, 'has'> & { readonly isListed: (publicName: string) => boolean },
  known: RemovalKnowledge,
): Fate[] {
  const counting = unwanted.filter(
    (one) => one.unwantedSinceMs !== undefined || isAnswered(one, known.sources),
  );
  const names = new Set(counting.map(({ publicName }) => publicName));
  const uncertain = protectedNames(names, known.uncertainties, repository);
  const patterns = known.patterns.filter(({ repositories }) => repositories?.includes(repository) !== false);
  const byImage = groupBy(patterns, ({ image }) => image);
  const patternsOf = (name: string): readonly KnownPattern[] => byImage.get(imageOf(name)) ?? [];
  const isListed = (name: string): boolean =>
    patternsOf(name).some(({ listed }) => listed?.has(versionOf(name)));
  const matched = protectedNames(names, patterns, repository);
  const meant = protectedNames(
    names,
    patterns.filter(({ listed }) => listed === undefined),
    repository,
  );
  return unwanted.map((published): Fate => {
    const { publicName } = published;
    if (uncertain.has(publicName)) return { published: maybeWanted(published) };
    const [pattern] = patternsOf(publicName);
    const isMatched = matched.has(publicName);
    if (!isAnswered(published, known.sources))
      return { published: isMatched ? maybeWanted(published) : published };
    if (pattern !== undefined && isMatched && !wantedNames.isListed(publicName)) {
      const question = { ...pattern.reference, tag: versionOf(publicName) };
      if (!meant.has(publicName) && isListed(publicName))
        return { published, removal: removalOf(published, 'newer tags', known) };
      const removal = goneTag(published, known);
      if (removal === undefined) return { published: maybeWanted(published), question };
      return { published, removal, question };
    }
    const reason = reasonFor(published, { isWanted: wantedNames.has(publicName), pattern }, known);
    return { published, removal: removalOf(published, reason, known) };
  });
}

/** Somebody may ask for it again: should it be unwanted later, it is so since then. */
export function maybeWanted(published: PublishedImage): PublishedImage {
  return { ...published, unwantedSinceMs: undefined };
}

function reasonFor(
  { askedBy }: PublishedImage,
  { isWanted, pattern }: { readonly isWanted: boolean; readonly pattern: KnownPattern | undefined },
  { sources }: RemovalKnowledge,
): RemovalReason {
  if (isWanted) return 'platform no longer asked for';
  // Of several sources one may have got another name.
  if (!askedBy.some((source) => sources.read.has(source))) return 'source gone';
  return pattern === undefined ? 'line gone' : 'pattern changed';
}

/** The removal of an image whose line is there, and whose tag is gone for sure. */
export function goneTag(published: PublishedImage, known: RemovalKnowledge): Removal | undefined {
  if (!isAnswered(published, known.sources)) return undefined;
  const absence = known.tags.absent(published.publicName);
  const unwantedSinceMs = absence && goneSinceMs(absence);
  if (unwantedSinceMs === undefined) return undefined;
  return removalOf({ ...published, unwantedSinceMs }, 'tag gone', known);
}

export function removalOf(
  published: PublishedImage,
  reason: RemovalReason,
  { keep, nowMs }: RemovalKnowledge,
): Removal {
  // What was noted while a clock was ahead would keep an image for ever.
  const sinceMs = Math.min(published.unwantedSinceMs ?? nowMs, nowMs);
  const howLong = published.keep ?? keep;
  const dueMs = howLong === 'forever' ? undefined : sinceMs + howLong.days * DAY_MS;
  return { published, reason, sinceMs, dueMs };
}

/** `[<subdirectory>/]<registry>/<repository>` */
function imageOf(publicName: string): string {
  return publicName.slice(0, versionStart(publicName));
}

function versionOf(publicName: string): string {
  return publicName.slice(versionStart(publicName) + 1);
}

function versionStart(publicName: string): number {
  const last = publicName.lastIndexOf('/');
  return last + publicName.slice(last).search(/[:@]/);
}
