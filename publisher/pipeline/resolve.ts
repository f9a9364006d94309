import { mapLimited, Slots } from '../../core/concurrency.ts';
import { isFailure, type Failure } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { outlineOf, type Descriptor, type Manifest } from '../../core/oci/manifest.ts';
import { NoImage } from '../../core/oci/media-types.ts';
import type { ImageConfig } from '../../core/oci/config.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { TreeRepairs } from '../compose/tree-changes.ts';
import { formatPlatform, LINUX_AMD64, type Platform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { ResolvedPlatform } from '../../wishlist/meaning/plan.ts';
import type { WishedPlatform } from '../../wishlist/meaning/wished-image.ts';
import { failedResult, type ImageResult } from '../image/events.ts';
import { outputsFor, type RepositoryOutputs } from '../../core/outputs.ts';
import type { ResolvedImage, WantedImage } from '../image/image.ts';
import { flatId, flatPath, platformName } from '../image/layout.ts';
import { ownFailure } from '../image/own-failure.ts';
import type { MultiarchLinks } from '../outputs/public-links.ts';
import { labelOf, type PlatformImage, type Results } from '../image/results.ts';
import type { RepositoryView } from '../publication/view.ts';
import { outputsIn, publishedState } from '../outputs/outputs.ts';
import type { RegistryClient } from '../registry/client.ts';
import { platformMissing } from '../registry/manifest/manifest-choice.ts';
import {
  blamed,
  isStateUsable,
  refused,
  type GuardedImage,
  type PublishingContext,
  type PublishingOptions,
} from './context.ts';
import type { Preparer } from './preparer.ts';

export interface Candidate {
  readonly part: PlatformImage;
  readonly resolved: ResolvedImage;
  /** Layers that the repository lacks. */
  readonly missing: readonly Descriptor[];
  /** Of an image that is published, and not as it should be. */
  readonly repair?: Repair;
}

/** What is to be published again of an image, and nothing else. */
export interface Repair {
  /** As `publishedNames` gives it. */
  readonly name: string;
  /** Digest of what was in the place of its manifest when it was looked at: with another, it is not what was looked at. */
  readonly found: Digest | undefined;
  /** Its broken trees, by their names; all others are as they should be. */
  readonly trees: TreeRepairs;
  /** Published paths that go first: what belongs there cannot replace them. */
  readonly inTheWay: readonly BytePath[];
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/** Wanted images as their registries have them now. */
export interface Resolution {
  readonly candidates: readonly Candidate[];
  /** Includes images that are current; images that failed are missing. */
  readonly resolved: ReadonlyMap<WantedImage, readonly ResolvedPlatform[]>;
  /** Artifacts that only a pattern names, with their kind; they have no result. */
  readonly passedOver: ReadonlyMap<WantedImage, string>;
}

/** Adds to a failure to get an image, such as who asked for it and what may be meant. Never fails for that. */
export type Explain = (wanted: WantedImage, failure: Failure) => Promise<Failure>;

export interface ResolvingParts {
  readonly preparer: Preparer;
  readonly results: Results;
  /** By registry. */
  readonly slots: Slots;
  readonly explain: Explain | undefined;
  /** Called for each image with what is to be published of it, while others are still resolved. */
  readonly onCandidates?: ((candidates: readonly Candidate[]) => void) | undefined;
}

/** Images resolved at a time: of one registry, and of all where one is slow. */
const IMAGES_OF_ONE = 8;
const IMAGES_AT_A_TIME = 16;

export function resolvingSlots(): Slots {
  return new Slots(() => IMAGES_OF_ONE, IMAGES_AT_A_TIME);
}

/**
 * Asks the registries for all images and returns those to publish. Images that are current, and images that fail already,
 * have their results then.
 *
 * @throws Failure that is no image's own
 */
export async function resolveAll(
  all: readonly WantedImage[],
  context: PublishingContext,
  parts: ResolvingParts,
): Promise<Resolution> {
  const outputs = await outputsIn(context.view, context.options.outputs);
  const resolver = new Resolver(context, { ...parts, outputs });
  const found = await mapLimited(all, IMAGES_OF_ONE, async (wanted) => {
    const candidates = await resolver.inTurn(wanted);
    if (candidates.length > 0) parts.onCandidates?.(candidates);
    return candidates;
  });
  const { resolved, passedOver } = resolver;
  return { candidates: found.flat(), resolved, passedOver };
}

/**
 * Candidates of images that are resolved already. Those that fail have their results then.
 *
 * @throws Failure that is no image's own
 */
export async function resolvedCandidates(
  images: readonly Omit<Candidate, 'missing'>[],
  { observe }: Pick<PublishingContext, 'observe'>,
  { preparer, results }: Pick<ResolvingParts, 'preparer' | 'results'>,
): Promise<Candidate[]> {
  observe({ type: 'images', count: images.length });
  const candidates: Candidate[] = [];
  for (const { part, resolved } of images) {
    observe({ type: 'image-started', image: labelOf(part) });
    results.expect(part.wanted, [resolved.platform]);
    try {
      candidates.push({ part, resolved, missing: await preparer.missingLayers(resolved) });
    } catch (error) {
      const failure = ownFailure(error, labelOf(part), observe);
      if (failure === undefined) throw error;
      results.finish(part, failedResult(failure), resolved);
    }
  }
  return candidates;
}

/** The outputs are those at the start: what the images themselves bring does not change them meanwhile. */
type ResolverParts = ResolvingParts & Pick<Forms, 'outputs'>;

class Resolver {
  readonly resolved = new Map<WantedImage, readonly ResolvedPlatform[]>();
  readonly passedOver = new Map<WantedImage, string>();
  readonly #context: PublishingContext;
  readonly #parts: ResolverParts;
  readonly #isForced: boolean;

  constructor(context: PublishingContext, parts: ResolverParts) {
    this.#context = context;
    this.#parts = parts;
    this.#isForced = context.options.convertAgain || context.options.overwriteLayers;
  }

  /** Takes a slot only once it has its turn: a slot is never held while waiting. */
  async inTurn(wanted: WantedImage): Promise<Candidate[]> {
    const { guard, signal } = this.#context;
    const images = [{ wanted, digest: undefined }];
    return await guard.turn(images, async () => {
      const leave = await this.#parts.slots.take(wanted.reference.registry, signal);
      try {
        return await guard.during('looking', images, async () => await this.#resolve(wanted));
      } finally {
        leave();
      }
    });
  }

  async #resolve(wanted: WantedImage): Promise<Candidate[]> {
    const part = { wanted, platform: undefined };
    this.#context.observe({ type: 'image-started', image: labelOf(part) });
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

  /** The image's own failure. @throws any other error */
  async #own(error: unknown, part: PlatformImage): Promise<Failure> {
    const { observe, view } = this.#context;
    const reason =
      isFailure(error, 'repository-unusable') && (await isReadable(view))
        ? refused(error)
        : await blamed(error, async () => await isStateUsable(this.#context));
    const failure = ownFailure(reason, labelOf(part), observe);
    if (failure === undefined) throw reason;
    return failure;
  }

  async #imagesOf(wanted: WantedImage): Promise<readonly ResolvedImage[]> {
    const { client, observe, options, backend } = this.#context;
    const { results, outputs } = this.#parts;
    const multiarchLinks = backend.expandsLinks ? options.multiarchLinks : 'never';
    const forms = { outputs, multiarchLinks };
    const { images, missing, available } = await resolveImage(client, wanted, forms);
    const lacking = missing.filter(({ isRequired }) => isRequired).map(({ platform }) => platform);
    results.expect(wanted, [...images.map(({ platform }) => platform), ...lacking]);
    for (const platform of lacking) {
      const failure = platformMissing(wanted.reference, [platform], available);
      results.finish({ wanted, platform }, failedResult(await this.#explained(wanted, failure)));
    }
    // For images whose users did not ask for the platform themselves.
    for (const { platform } of missing.filter(({ isRequired }) => !isRequired)) {
      const message = `${formatReference(wanted.reference)} has no image for ${formatPlatform(platform)}`;
      observe({ type: 'note', message });
    }
    this.resolved.set(
      wanted,
      images.map(({ platform, manifest }) => ({ platform, digest: manifest.config.digest })),
    );
    return images;
  }

  async #explained(wanted: WantedImage, failure: Failure): Promise<Failure> {
    try {
      return (await this.#parts.explain?.(wanted, failure)) ?? failure;
    } catch (error) {
      // The message says less then; only a failure that ends everything counts.
      const part = { wanted, platform: undefined };
      if (ownFailure(error, labelOf(part), this.#context.observe) === undefined) throw error;
      return failure;
    }
  }

  async #candidate(wanted: WantedImage, resolved: ResolvedImage): Promise<Candidate | undefined> {
    const { preparer, results } = this.#parts;
    const part = { wanted, platform: resolved.platform };
    if ((await publishedState(this.#context.view, resolved)) === 'current' && !this.#isForced) {
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

async function isReadable(view: RepositoryView): Promise<boolean> {
  try {
    await view.list('');
    return true;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return false;
  }
}

/** A wanted image on the platforms that its registry has it for. */
export interface ResolvedPlatforms {
  /** In the order in which the platforms were asked for. */
  readonly images: readonly ResolvedImage[];
  readonly missing: readonly WishedPlatform[];
  /** Platforms of the image, where it lacks some that were asked for. */
  readonly available: readonly string[];
}

export interface Forms extends Pick<PublishingOptions, 'multiarchLinks'> {
  readonly outputs: RepositoryOutputs;
}

/**
 * Asks the registry for one image. An image that lacks some of its platforms is published for the others; one that lacks
 * all of them, none of which is required, fails.
 *
 * @throws Failure of the registry client; `platform-missing`
 */
export async function resolveImage(
  client: RegistryClient,
  wanted: WantedImage,
  forms: Forms,
): Promise<ResolvedPlatforms> {
  const outputs = outputsFor(wanted.outputs, forms.outputs);
  const isMeant = wanted.hasVariantLink ?? isMultiarch(wanted, forms.multiarchLinks);
  const hasVariantLink = outputs.has('flat') && isMeant;
  const imageOf = (platform: Platform, manifest: Manifest): ResolvedImage => ({
    reference: wanted.reference,
    platform,
    publicName: platformName(platform, wanted.publicName),
    manifest: outlineOf(manifest),
    outputs,
    hasVariantLink,
    ...(wanted.isByHand === true && { isByHand: true }),
    ...(wanted.keptDigests !== undefined && { keptDigests: wanted.keptDigests }),
  });
  const { platforms, pinned } = wanted;
  const reference = pinned === undefined ? wanted.reference : { ...wanted.reference, digest: pinned };
  if (platforms === undefined) {
    const manifest = await client.fetchManifest(reference, LINUX_AMD64);
    return { images: [imageOf(LINUX_AMD64, manifest)], missing: [], available: [] };
  }
  const named = platforms.map(({ platform }) => platform);
  const { manifests, available } = await client.fetchManifests(reference, named);
  const images = manifests.flatMap((manifest, index) => {
    const platform = named[index];
    return manifest === undefined || platform === undefined ? [] : [imageOf(platform, manifest)];
  });
  const missing = platforms.filter((_, index) => manifests[index] === undefined);
  const isNoted = missing.some(({ isRequired }) => isRequired);
  if (images.length === 0 && !isNoted) throw platformMissing(reference, named, available);
  return { images, missing, available };
}

function isMultiarch({ platforms }: WantedImage, links: MultiarchLinks): boolean {
  return links === 'always' || (links === 'auto' && platforms !== undefined && platforms.length > 1);
}

/** The result of an image that is published in all forms that it is wanted in. */
export function doneResult(
  outcome: 'published' | 'unchanged',
  { publicName, manifest, outputs }: ResolvedImage,
): ImageResult {
  return {
    outcome,
    config: manifest.config.digest,
    publicPath: publicName,
    flatPath: outputs.has('flat') ? flatPath(flatId(manifest)) : undefined,
  };
}

export function guardedImage({ part, resolved }: Pick<Candidate, 'part' | 'resolved'>): GuardedImage {
  return { wanted: part.wanted, digest: resolved.manifest.digest };
}
