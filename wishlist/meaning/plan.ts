import { decideKept, type TagsNow } from './kept-images.ts';
import { LINUX_AMD64, equalPlatforms, formatPlatform, type Platform } from '../../core/oci/platform.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import {
  decideUnwanted,
  type Fate,
  goneTag,
  maybeWanted,
  type PublishedImage,
  type Removal,
  type RemovalKnowledge,
} from './removal.ts';
import type { WishedImage } from './wished-image.ts';

export type { PublishedImage, Removal } from './removal.ts';

/** The image that a registry has now, for one platform. */
export interface ResolvedPlatform {
  readonly platform: Platform;
  /** As {@link PublishedImage.digest}. */
  readonly digest: string;
}

/** The other input of a plan, beside wishes and published images. */
export interface Knowledge extends RemovalKnowledge {
  /**
   * The platforms that the image is to be published for, without those that it lacks; `undefined` where the registry
   * did not report them.
   */
  readonly resolved: (image: WishedImage) => readonly ResolvedPlatform[] | undefined;
}

/** A wished image for one of its platforms. */
export interface PlannedImage {
  readonly image: WishedImage;
  readonly platform: Platform;
}

/** A wished image to be published, for one of its platforms. */
export interface PlannedPublication extends PlannedImage {
  readonly digest: string;
}

/** A public name for one platform that stays as it is, because something about it is not known for sure. */
export interface UnknownImage {
  readonly publicName: string;
  readonly platform: Platform;
  /** The image that asks for it; `undefined` where only an uncertainty keeps it. */
  readonly image: WishedImage | undefined;
  /** `undefined` where it is not published. */
  readonly published: PublishedImage | undefined;
}

/** A published image whose removal depends on whether its registry has the tag. */
export interface TagQuestion {
  /** A pattern matches the tag, and its registry's list, which seems to be whole, lacks it. */
  readonly isUnlisted: boolean;
  readonly publicName: string;
  readonly reference: ImageReference;
}

/** The work to do in one repository: each public name stands in it once for each platform. */
export interface Plan {
  readonly add: readonly PlannedPublication[];
  /** Published with another digest. */
  readonly update: readonly PlannedPublication[];
  /** Published with the same digest; only the repository knows whether all outputs of it are there. */
  readonly unchanged: readonly PlannedImage[];
  readonly unknown: readonly UnknownImage[];
  readonly remove: readonly Removal[];
  /** What tags led to before, as many as are to be kept. */
  readonly kept: readonly PublishedImage[];
  /** Once for each platform. */
  readonly questions: readonly TagQuestion[];
}

type Draft = { readonly [Part in keyof Plan]: Plan[Part][number][] };

/**
 * Compares the wishes for `repository` with what is published there. A pure function.
 *
 * - A wished image, or a platform of it, that the registry did not report is `unknown`. So an image that disappears
 *   from its registry stays published as long as a line asks for it, unless its tag is gone for sure.
 * - A published image without a wish is `unknown` where anything about it is not sure ({@link decideUnwanted}), and is
 *   otherwise to be removed.
 *
 * `published` is read once and not kept, which matters with hundreds of thousands of images.
 *
 * @param wanted images for other repositories do not count; each public name at most once for `repository`
 * @param published by unpackd, each name once for each platform
 */
export function planRepository(
  repository: string,
  wanted: Iterable<WishedImage>,
  published: Iterable<PublishedImage>,
  known: Knowledge,
): Plan {
  const plan: Draft = {
    add: [],
    update: [],
    unchanged: [],
    unknown: [],
    remove: [],
    kept: [],
    questions: [],
  };
  const missing = new MissingImages();
  const keeping = new KeepingTags();
  for (const image of wanted) {
    if (!image.repositories.includes(repository)) continue;
    missing.add(image);
    keeping.add(image);
  }
  const unwanted: PublishedImage[] = [];
  for (const one of published) {
    const found = missing.take(one);
    if (found === undefined) unwanted.push(one);
    else planWanted(plan, found, one, known);
  }
  for (const one of missing.all()) planWanted(plan, one, undefined, known);
  for (const fate of fatesOf(repository, unwanted, { missing, keeping }, known)) {
    const { published: one, removal, isKept, question } = fate;
    const { publicName, platform } = one;
    if (isKept === true) plan.kept.push(one);
    else if (removal !== undefined) plan.remove.push(removal);
    else plan.unknown.push({ publicName, platform, image: undefined, published: one });
    if (question !== undefined) plan.questions.push({ publicName, reference: question, isUnlisted: true });
  }
  return plan;
}

function fatesOf(
  repository: string,
  unwanted: readonly PublishedImage[],
  { missing, keeping }: { readonly missing: MissingImages; readonly keeping: KeepingTags },
  known: Knowledge,
): Fate[] {
  const kept = unwanted.filter(({ keptFor }) => keptFor !== undefined);
  const others = kept.length === 0 ? unwanted : unwanted.filter(({ keptFor }) => keptFor === undefined);
  const fates = decideUnwanted(repository, others, missing, known);
  if (kept.length === 0) return fates;
  const left = new Set(others.map(({ publicName, platform }) => `${formatPlatform(platform)} ${publicName}`));
  const tags: TagsNow = {
    digests: (name, platform) => keeping.digests(name, platform) ?? (missing.has(name) ? 0 : undefined),
    isLeft: (name, platform) => left.has(`${formatPlatform(platform)} ${name}`),
  };
  return [...fates, ...decideKept(repository, kept, tags, known)];
}

/** Wishes that keep what their tags led to before. */
class KeepingTags {
  readonly #images = new Map<string, WishedImage>();

  add(image: WishedImage): void {
    if (image.keptDigests !== undefined) this.#images.set(image.publicName, image);
  }

  /** `undefined` where no wish keeps any. */
  digests(publicName: string, platform: Platform): number | undefined {
    const image = this.#images.get(publicName);
    return image && (platformsOf(image).some((one) => isSame(one, platform)) ? image.keptDigests : undefined);
  }
}

/** Wished images with the platforms that were not yet found among the published ones. */
class MissingImages {
  /** By public name; `undefined` once nothing of it is missing, since deleting entries costs memory. */
  readonly #images = new Map<string, WishedImage | undefined>();
  /** Names that patterns found in the lists of their registries. */
  readonly #listed = new Set<string>();
  /** Of images with some platforms found and others not. */
  readonly #platforms = new Map<WishedImage, readonly Platform[]>();

  add(image: WishedImage): void {
    this.#images.set(image.publicName, image);
    if (image.wishes.some(({ wish }) => wish.selection !== undefined)) this.#listed.add(image.publicName);
  }

  /** Returns whether any image is wished by that name, missing or not. */
  has(publicName: string): boolean {
    return this.#images.has(publicName);
  }

  /** The same, and a pattern is among its wishes. */
  isListed(publicName: string): boolean {
    return this.#listed.has(publicName);
  }

  /** The wished image that `published` is, if it was missing; it no longer is. */
  take({ publicName, platform }: PublishedImage): PlannedImage | undefined {
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

  *all(): Iterable<PlannedImage> {
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
  wanted: PlannedImage,
  published: PublishedImage | undefined,
  known: Knowledge,
): void {
  const { image, platform } = wanted;
  const platforms = known.resolved(image);
  const digest = platforms?.find((other) => isSame(other.platform, platform))?.digest;
  if (digest === undefined) {
    const isOfTag =
      published !== undefined && platforms === undefined && image.reference.digest === undefined;
    const gone = isOfTag ? goneTag(published, known) : undefined;
    const { publicName, reference } = image;
    if (gone !== undefined) plan.remove.push(gone);
    else plan.unknown.push({ publicName, platform, image, published: published && maybeWanted(published) });
    if (isOfTag) plan.questions.push({ publicName, reference, isUnlisted: false });
  } else if (published === undefined) plan.add.push({ image, platform, digest });
  else if (published.digest === digest) plan.unchanged.push(wanted);
  else plan.update.push({ image, platform, digest });
}

/** linux/amd64 where nobody names a platform. */
function platformsOf({ platforms }: WishedImage): readonly Platform[] {
  return platforms === undefined ? UNNAMED : platforms.map(({ platform }) => platform);
}

/** Compares as written first: nearly all are written in the same way. */
function isSame(one: Platform, other: Platform): boolean {
  const { os, architecture, variant } = one;
  if (os === other.os && architecture === other.architecture && variant === other.variant) return true;
  return equalPlatforms(one, other);
}

const UNNAMED: readonly Platform[] = [LINUX_AMD64];
