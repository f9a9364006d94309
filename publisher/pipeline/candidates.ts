import { mapLimited, Slots } from '../../core/concurrency.ts';
import type { Failure } from '../../core/failure.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { blamed, type Others } from './blame.ts';
import { failedResult, type ImageResult, type Observer } from '../image/events.ts';
import type { Guard } from './guard.ts';
import type { ResolvedImage, WantedImage } from '../image/image.ts';
import { flatId, flatPath } from '../image/layout.ts';
import { ownFailure } from '../image/own-failure.ts';
import type { Preparer } from './preparer.ts';
import { publishedState } from '../published/published.ts';
import { platformMissing } from '../registry/manifest/manifests.ts';
import { NoImage } from '../../core/oci/media-types.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Descriptor } from '../../core/oci/manifest.ts';
import type { RepositoryView } from '../publication/view.ts';
import { missingNote, resolveImage, type Forms } from './resolve.ts';
import { labelOf, type PlatformImage, type Results } from '../image/results.ts';

/** An image that is to be published, for one platform. */
export interface Candidate {
  readonly part: PlatformImage;
  readonly resolved: ResolvedImage;
  /** Layers that the repository lacks. */
  readonly missing: readonly Descriptor[];
}

/** What there is of an image for one platform. */
export interface Found {
  readonly platform: Platform;
  /** Of its config. */
  readonly digest: Digest;
}

/** What wanted images mean in their registries now. */
export interface Look {
  readonly candidates: readonly Candidate[];
  /** What was found of each image, also of those that are current; those that failed are missing. */
  readonly resolved: ReadonlyMap<WantedImage, readonly Found[]>;
  /** Those that only a pattern means and that are no images, with what they are; they have no result. */
  readonly passedOver: ReadonlyMap<WantedImage, string>;
}

export interface LookingParts extends Others {
  readonly client: RegistryClient;
  readonly view: RepositoryView;
  readonly preparer: Preparer;
  readonly results: Results;
  readonly observe: Observer;
  readonly guard: Guard;
  /** By registry. */
  readonly slots: Slots;
  readonly signal: AbortSignal;
  readonly explain?: Explain | undefined;
}

/** Says more of why an image cannot be had, such as who asked for it and what may be meant. Never fails for that. */
export type Explain = (wanted: WantedImage, failure: Failure) => Promise<Failure>;

export interface LookingOptions {
  readonly forms: Forms;
  /** Whether images that are current are published all the same. */
  readonly isForced: boolean;
}

/** How many images are looked at together: so many of one registry, and some of others where that is slow. */
const IMAGES_OF_ONE = 8;
const IMAGES_AT_A_TIME = 16;

/** For {@link LookingParts}. */
export function lookingSlots(): Slots {
  return new Slots(() => IMAGES_OF_ONE, IMAGES_AT_A_TIME);
}

/**
 * Asks the registries for all images, and gives those that are to be published: not those that are current, nor those
 * that fail already, which have their results then.
 *
 * @throws Failure that is no image's own
 */
export async function lookAt(
  all: readonly WantedImage[],
  parts: LookingParts,
  options: LookingOptions,
): Promise<Look> {
  const looking = new Looking(parts, options);
  const found = await mapLimited(all, IMAGES_OF_ONE, async (wanted) => await looking.inTurn(wanted));
  const { resolved, passedOver } = looking;
  return { candidates: found.flat(), resolved, passedOver };
}

class Looking {
  readonly resolved = new Map<WantedImage, readonly Found[]>();
  readonly passedOver = new Map<WantedImage, string>();
  readonly #parts: LookingParts;
  readonly #options: LookingOptions;

  constructor(parts: LookingParts, options: LookingOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Nobody waits for his turn while he has a slot. */
  async inTurn(wanted: WantedImage): Promise<Candidate[]> {
    const { guard } = this.#parts;
    const subjects = [{ wanted, digest: undefined }];
    return await guard.turn(subjects, async () => {
      const leave = await this.#parts.slots.take(wanted.reference.registry, this.#parts.signal);
      try {
        return await guard.during('looking', subjects, async () => await this.#at(wanted));
      } finally {
        leave();
      }
    });
  }

  async #at(wanted: WantedImage): Promise<Candidate[]> {
    const part = { wanted, platform: undefined };
    this.#parts.observe({ type: 'image-started', image: labelOf(part) });
    try {
      const candidates: Candidate[] = [];
      for (const image of await this.#imagesOf(wanted)) {
        const candidate = await this.#candidate(wanted, image);
        if (candidate !== undefined) candidates.push(candidate);
      }
      return candidates;
    } catch (error) {
      if (error instanceof NoImage && !wanted.isNamed) {
        this.passedOver.set(wanted, error.artifact);
        this.#parts.results.passOver(wanted);
        return [];
      }
      const failure = await this.#own(error, part);
      this.#parts.results.finish(part, failedResult(await this.#explained(wanted, failure)));
      return [];
    }
  }

  /** What the image fails for. @throws what is no image's own */
  async #own(error: unknown, part: PlatformImage): Promise<Failure> {
    const failure = ownFailure(await blamed(error, this.#parts), labelOf(part), this.#parts.observe);
    if (failure === undefined) throw error;
    return failure;
  }

  async #imagesOf(wanted: WantedImage): Promise<readonly ResolvedImage[]> {
    const { client, results, observe } = this.#parts;
    const { images, missing, available } = await resolveImage(client, wanted, this.#options.forms);
    const lacking = missing.filter(({ isRequired }) => isRequired).map(({ platform }) => platform);
    results.expect(wanted, [...images.map(({ platform }) => platform), ...lacking]);
    for (const platform of lacking) await this.#failMissing({ wanted, platform }, available);
    for (const { platform, isRequired } of missing)
      if (!isRequired) observe({ type: 'note', message: missingNote(wanted, platform) });
    this.resolved.set(
      wanted,
      images.map(({ platform, manifest }) => ({ platform, digest: manifest.config.digest })),
    );
    return images;
  }

  async #failMissing(
    part: { wanted: WantedImage; platform: Platform },
    available: readonly string[],
  ): Promise<void> {
    const failure = platformMissing(part.wanted.reference, [part.platform], available);
    this.#parts.results.finish(part, failedResult(await this.#explained(part.wanted, failure)));
  }

  async #explained(wanted: WantedImage, failure: Failure): Promise<Failure> {
    try {
      return (await this.#parts.explain?.(wanted, failure)) ?? failure;
    } catch (error) {
      // Less is said then, but for what ends everything.
      const failed = ownFailure(error, labelOf({ wanted, platform: undefined }), this.#parts.observe);
      if (failed === undefined) throw error;
      return failure;
    }
  }

  async #candidate(wanted: WantedImage, resolved: ResolvedImage): Promise<Candidate | undefined> {
    const { view, preparer, results } = this.#parts;
    const part = { wanted, platform: resolved.platform };
    if ((await publishedState(view, resolved)) === 'current' && !this.#options.isForced) {
      // A run that was killed right after the publication may have left them.
      await preparer.discard(resolved);
      results.finish(part, doneResult('unchanged', resolved), resolved);
      return undefined;
    }
    try {
      return { part, resolved, missing: await preparer.missingLayers(resolved) };
    } catch (error) {
      const failure = await this.#own(error, part);
      results.finish(part, failedResult(failure), resolved);
      return undefined;
    }
  }
}

/** The result of an image that is published in all forms that it is wanted in. */
export function doneResult(
  outcome: 'published' | 'unchanged',
  { publicName, manifest, outputs }: ResolvedImage,
): ImageResult {
  const config = manifest.config.digest;
  return {
    outcome,
    config,
    publicPath: publicName,
    flatPath: outputs.has('flat') ? flatPath(flatId(manifest)) : undefined,
  };
}
