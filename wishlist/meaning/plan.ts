import { doubtfulNames, type Doubt } from './doubt.ts';
import { LINUX_AMD64, equalPlatforms, type Platform } from '../../core/oci/platform.ts';
import type { Keep } from '../recipe/settings.ts';
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
}

/** One that is to be published. */
export interface Publishing extends Wanted {
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
  readonly add: readonly Publishing[];
  /** Published with another digest. */
  readonly update: readonly Publishing[];
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
 * What is published is gone through once and not kept, which matters with hundreds of thousands of images.
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
  const missing = new MissingImages();
  for (const image of wanted) if (image.repositories.includes(repository)) missing.add(image);
  const unwanted: PublishedImage[] = [];
  for (const one of published) {
    const found = missing.take(one);
    if (found === undefined) unwanted.push(one);
    else planWanted(plan, found, one, known);
  }
  for (const one of missing.all()) planWanted(plan, one, undefined, known);
  planUnwanted(plan, repository, unwanted, known);
  return plan;
}

/** Wanted images with the platforms that were not found, as yet, among what is published. */
class MissingImages {
  /** By public name; `undefined` for those of which nothing is missing, since taking them out costs memory. */
  readonly #images = new Map<string, WishedImage | undefined>();
  /** Only of images some of whose platforms were found. */
  readonly #platforms = new Map<WishedImage, readonly Platform[]>();

  add(image: WishedImage): void {
    this.#images.set(image.publicName, image);
  }

  /** What `published` is, where it is missing; it is not missing any more then. */
  take({ publicName, platform }: PublishedImage): Wanted | undefined {
    const image = this.#images.get(publicName);
    if (image === undefined) return undefined;
    const platforms = this.#platformsOf(image);
    const found = platforms.find((other) => isSame(other, platform));
    if (found === undefined) return undefined;
    if (platforms.length === 1) this.#images.set(publicName, undefined);
    else
      this.#platforms.set(
        image,
        platforms.filter((other) => other !== found),
      );
    return { image, platform: found };
  }

  *all(): Iterable<Wanted> {
    for (const image of this.#images.values()) {
      if (image === undefined) continue;
      for (const platform of this.#platformsOf(image)) yield { image, platform };
    }
  }

  #platformsOf(image: WishedImage): readonly Platform[] {
    return this.#platforms.get(image) ?? platformsOf(image);
  }
}

function planWanted(
  plan: Draft,
  wanted: Wanted,
  published: PublishedImage | undefined,
  { resolved }: Knowledge,
): void {
  const { image, platform } = wanted;
  const digest = resolved(image)?.find((other) => isSame(other.platform, platform))?.digest;
  if (digest === undefined) plan.unknown.push({ publicName: image.publicName, platform, image, published });
  else if (published === undefined) plan.add.push({ image, platform, digest });
  else if (published.digest === digest) plan.unchanged.push(wanted);
  else plan.update.push({ image, platform, digest });
}

function planUnwanted(
  plan: Draft,
  repository: string,
  unwanted: readonly PublishedImage[],
  { doubts, keep, nowMs }: Knowledge,
): void {
  const names = new Set(unwanted.map(({ publicName }) => publicName));
  const doubtful = doubtfulNames(names, doubts, repository);
  for (const published of unwanted) {
    const { publicName, platform } = published;
    if (doubtful.has(publicName)) {
      plan.unknown.push({ publicName, platform, image: undefined, published });
      continue;
    }
    const sinceMs = published.unwantedSinceMs ?? nowMs;
    const kept = published.keep ?? keep;
    const dueMs = kept === 'forever' ? undefined : sinceMs + kept.days * DAY_MS;
    plan.remove.push({ published, sinceMs, dueMs });
  }
}

/** What nobody names is linux/amd64. */
function platformsOf({ platforms }: WishedImage): readonly Platform[] {
  return platforms === undefined ? UNNAMED : platforms.map(({ platform }) => platform);
}

/** Nearly all are written in the same way, which is quickly seen. */
function isSame(one: Platform, other: Platform): boolean {
  const { os, architecture, variant } = one;
  if (os === other.os && architecture === other.architecture && variant === other.variant) return true;
  return equalPlatforms(one, other);
}

const UNNAMED: readonly Platform[] = [LINUX_AMD64];
