import { doubtfulNames, type Doubt } from './doubt.ts';
import { LINUX_AMD64, equalPlatforms, type Platform } from './platform.ts';
import type { Keep } from './settings.ts';
import type { WishedImage } from './wished-image.ts';

/** One image that is published, for one platform. */
export interface PublishedImage {
  /** As {@link WishedImage.publicName}, also for a further platform. */
  readonly publicName: string;
  readonly platform: Platform;
  /** Of its config: equal for equal images. */
  readonly digest: string;
  /** What was asked for when somebody last asked for it. */
  readonly keep: Keep | undefined;
  /** Since when surely nobody asks for it, in ms since 1970; `undefined` as long as somebody does. */
  readonly unwantedSinceMs: number | undefined;
}

/** What an image is in its registry now, for one platform. */
export interface ResolvedPlatform {
  readonly platform: Platform;
  /** As {@link PublishedImage.digest}. */
  readonly digest: string;
}

/** What is known beside the wishes. */
export interface Knowledge {
  /**
   * The platforms that the image is to be published for, without those that it lacks; `undefined` where the registry
   * did not tell.
   */
  readonly resolved: (image: WishedImage) => readonly ResolvedPlatform[] | undefined;
  /** What may be asked for as well. */
  readonly doubts: readonly Doubt[];
  /** How long an image is kept where nobody said. */
  readonly keep: Keep;
  /** In ms since 1970. */
  readonly nowMs: number;
}

/** A public name for one platform that somebody asks for. */
export interface Wanted {
  readonly image: WishedImage;
  readonly platform: Platform;
  readonly digest: string;
}

/** A public name for one platform of which something is not known for sure: it stays as it is. */
export interface Unknown {
  readonly publicName: string;
  readonly platform: Platform;
  /** Who asks for it; `undefined` where only a doubt keeps it. */
  readonly image: WishedImage | undefined;
  /** Whether it is published. */
  readonly published: PublishedImage | undefined;
}

/** What surely nobody asks for any more. */
export interface Removal {
  readonly published: PublishedImage;
  /** Since when, in ms since 1970. */
  readonly sinceMs: number;
  /** When it may go, in ms since 1970, which can be in the past; `undefined` for never. */
  readonly dueMs: number | undefined;
}

/** What is to be done in one repository: each public name is in it once for each platform. */
export interface Plan {
  readonly add: readonly Wanted[];
  /** Published with another digest. */
  readonly update: readonly Wanted[];
  /** Published with the same digest. Whether all forms of it are there only the repository knows. */
  readonly unchanged: readonly Wanted[];
  readonly unknown: readonly Unknown[];
  readonly remove: readonly Removal[];
}

type Draft = { readonly [Part in keyof Plan]: Plan[Part][number][] };

const DAY_MS = 86_400_000;

/**
 * Compares what is asked for in `repository` with what is published there. A pure function: the plan is all that comes
 * of it.
 *
 * - A wanted image, or a platform of it, that the registry did not tell of is `unknown`. So an image that disappears
 *   from its registry stays published as long as a line asks for it.
 * - What is published and not wanted is `unknown` where a doubt is about its name, and only else to be removed.
 *
 * @param wanted images for other repositories do not count; each public name at most once for `repository`
 * @param published what unpackd published, each name once for each platform
 */
export function planRepository(
  repository: string,
  wanted: Iterable<WishedImage>,
  published: Iterable<PublishedImage>,
  known: Knowledge,
): Plan {
  const plan: Draft = { add: [], update: [], unchanged: [], unknown: [], remove: [] };
  const unwanted = byName(published);
  for (const image of wanted) {
    if (!image.repositories.includes(repository)) continue;
    const there = unwanted.get(image.publicName) ?? [];
    planImage(plan, image, there, known.resolved(image));
    const rest = there.filter(({ platform }) => !isWanted(image, platform));
    if (rest.length > 0) unwanted.set(image.publicName, rest);
    else unwanted.delete(image.publicName);
  }
  planUnwanted(plan, repository, unwanted, known);
  return plan;
}

function planImage(
  plan: Draft,
  image: WishedImage,
  there: readonly PublishedImage[],
  resolved: readonly ResolvedPlatform[] = [],
): void {
  for (const platform of platformsOf(image)) {
    const isThis = (other: { readonly platform: Platform }): boolean => isSame(other.platform, platform);
    const published = there.find(isThis);
    const digest = resolved.find(isThis)?.digest;
    if (digest === undefined) {
      plan.unknown.push({ publicName: image.publicName, platform, image, published });
    } else {
      const part = published === undefined ? 'add' : published.digest === digest ? 'unchanged' : 'update';
      plan[part].push({ image, platform, digest });
    }
  }
}

function planUnwanted(
  plan: Draft,
  repository: string,
  unwanted: ReadonlyMap<string, readonly PublishedImage[]>,
  { doubts, keep, nowMs }: Knowledge,
): void {
  const doubtful = doubtfulNames(unwanted.keys(), doubts, repository);
  for (const [publicName, images] of unwanted) {
    for (const published of images) {
      if (doubtful.has(publicName)) {
        plan.unknown.push({ publicName, platform: published.platform, image: undefined, published });
        continue;
      }
      const sinceMs = published.unwantedSinceMs ?? nowMs;
      const kept = published.keep ?? keep;
      const dueMs = kept === 'forever' ? undefined : sinceMs + kept.days * DAY_MS;
      plan.remove.push({ published, sinceMs, dueMs });
    }
  }
}

function byName(published: Iterable<PublishedImage>): Map<string, PublishedImage[]> {
  const names = new Map<string, PublishedImage[]>();
  for (const image of published) {
    const others = names.get(image.publicName);
    if (others === undefined) names.set(image.publicName, [image]);
    else others.push(image);
  }
  return names;
}

/** What nobody names is linux/amd64. */
function platformsOf({ platforms }: WishedImage): readonly Platform[] {
  return platforms === undefined ? [LINUX_AMD64] : platforms.map(({ platform }) => platform);
}

function isWanted(image: WishedImage, platform: Platform): boolean {
  return platformsOf(image).some((wanted) => isSame(wanted, platform));
}

function isSame(one: Platform, other: Platform): boolean {
  return one === other || equalPlatforms(one, other);
}
