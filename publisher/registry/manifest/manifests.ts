import { Failure } from '../../../core/failure.ts';
import { printable } from '../../../core/text.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { Documents } from './documents.ts';
import { parseConfig, type ImageConfig } from '../../../core/oci/config.ts';
import type { Manifest, ManifestOutline } from '../../../core/oci/manifest.ts';
import type { ManifestMemory } from './manifest-memory.ts';
import {
  artifactIn,
  manifestFor,
  platformsOf,
  readRoot,
  soleManifest,
  type ReadManifest,
  type Root,
} from './manifest-choice.ts';
import type { ForeignLayers } from '../options.ts';
import { formatPlatform, type Platform } from '../../../core/oci/platform.ts';
import { Reading } from './reading.ts';
import { sha256 } from './verify.ts';

/** What there is of an image for the platforms that were asked for. */
export interface PlatformManifests {
  /** One for each platform, in their order; `undefined` for one that the image lacks. */
  readonly manifests: readonly (Manifest | undefined)[];
  /** What it is there for, for messages. */
  readonly available: readonly string[];
}

const MOST_PLATFORMS_NAMED = 20;

/** What references mean: manifests for platforms, and their configs. */
export class Manifests {
  readonly #documents: Documents;
  readonly #memory: ManifestMemory;
  readonly #foreignLayers: ForeignLayers;

  constructor(documents: Documents, memory: ManifestMemory, foreignLayers: ForeignLayers) {
    this.#documents = documents;
    this.#memory = memory;
    this.#foreignLayers = foreignLayers;
  }

  /**
   * The manifest for `platform`. One that is no part of an index is taken for any platform: some tags have no other.
   *
   * @throws Failure `platform-missing`
   */
  async forAnyPlatformOr(platform: Platform, reference: ImageReference): Promise<Manifest> {
    return await this.#read(reference, async (reading) => {
      const root = readRoot(reading);
      const found = soleManifest(root) ?? (await manifestFor(platform, root, reading));
      if (found !== undefined) return this.#manifest(found, root, reference);
      throw (
        (await artifactIn(root, reading)) ??
        platformMissing(reference, [platform], await platformsOf(root, reading))
      );
    });
  }

  async forPlatforms(platforms: readonly Platform[], reference: ImageReference): Promise<PlatformManifests> {
    return await this.#read(reference, async (reading) => {
      const root = readRoot(reading);
      const manifests: (Manifest | undefined)[] = [];
      for (const platform of platforms) {
        const found = await manifestFor(platform, root, reading);
        manifests.push(found === undefined ? undefined : this.#manifest(found, root, reference));
      }
      const isWhole = manifests.every((manifest) => manifest !== undefined);
      const artifact = manifests.some((manifest) => manifest !== undefined)
        ? undefined
        : await artifactIn(root, reading);
      if (artifact !== undefined) throw artifact;
      return { manifests, available: isWhole ? [] : await platformsOf(root, reading) };
    });
  }

  /** @throws Failure like {@link Documents.manifest} */
  async withDocuments(reference: ImageReference, outline: ManifestOutline): Promise<Manifest> {
    const remembered = await this.#memory.recall(reference);
    const documents = this.#documents.anew();
    const read = async (digest: Digest): Promise<Buffer> =>
      remembered?.documents.get(digest) ?? (await documents.manifest({ ...reference, digest })).bytes;
    const { digest, index } = outline;
    return {
      ...outline,
      bytes: await read(digest),
      index: index && { digest: index.digest, bytes: await read(index.digest) },
    };
  }

  /** @throws Failure `digest-mismatch`, `manifest-invalid` */
  async config(
    reference: ImageReference,
    { config, layers, skipped }: ManifestOutline,
  ): Promise<ImageConfig> {
    const bytes = await this.#documents.anew().config(reference, config);
    const all = parseConfig(bytes, layers.length + skipped.length, formatReference(reference));
    return { ...all, diffIds: all.diffIds.filter((_, place) => !skipped.includes(place)) };
  }

  async #read<T>(reference: ImageReference, work: (reading: Reading) => Promise<T>): Promise<T> {
    const reading = await Reading.begin(reference, this.#documents.anew(), this.#memory);
    try {
      return await work(reading);
    } finally {
      // Also of what is no image for these platforms: the next poll finds out for a HEAD request.
      await reading.remember(this.#memory);
    }
  }

  #manifest({ bytes, document }: ReadManifest, root: Root, reference: ImageReference): Manifest {
    const { mediaType, config, layers } = document;
    const first = layers.find(({ isForeign }) => isForeign);
    if (first !== undefined && this.#foreignLayers === 'refuse') {
      throw new Failure(
        'media-type-unsupported',
        `the layer ${first.digest} of ${formatReference(reference)} has the media type ${first.mediaType}: registries do not distribute it`,
        { hint: 'set foreign-layers to fetch or to skip, or ask for an image without such layers' },
      );
    }
    const isSkipping = this.#foreignLayers === 'skip';
    return {
      mediaType,
      digest: sha256(bytes),
      bytes,
      index: root.document.kind === 'index' ? { digest: sha256(root.bytes), bytes: root.bytes } : undefined,
      config,
      layers: layers.filter(({ isForeign }) => !(isSkipping && isForeign)),
      skipped: layers.flatMap(({ isForeign }, place) => (isSkipping && isForeign ? [place] : [])),
    };
  }
}

/** @param available as {@link PlatformManifests} has it */
export function platformMissing(
  reference: ImageReference,
  wanted: readonly Platform[],
  available: readonly string[],
): Failure {
  const named = available.slice(0, MOST_PLATFORMS_NAMED).map(printable).join(', ');
  const missing = wanted.map(formatPlatform).join(' or ');
  return new Failure(
    'platform-missing',
    `${formatReference(reference)} is not there for ${missing}, but for: ${named || 'none'}`,
    { hint: `ask for an image that is built for ${missing}` },
  );
}
