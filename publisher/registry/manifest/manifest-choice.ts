import { sha256 } from '../../../core/oci/digest.ts';
import type { ForeignLayers } from '../options.ts';
import { printable } from '../../../core/text.ts';
import { Failure, isFailure } from '../../../core/failure.ts';
import {
  equalPlatforms,
  choosePlatform,
  formatPlatform,
  isPlatform,
  listPlatforms,
  type Platform,
} from '../../../core/oci/platform.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import { parseConfig } from '../../../core/oci/config.ts';
import type {
  ImageDocument,
  IndexDocument,
  IndexEntry,
  Manifest,
  ManifestDocument,
} from '../../../core/oci/manifest.ts';
import { noImage, parseManifest } from '../../../core/oci/manifest.ts';
import { artifactOf, isIndex, isManifest, NoImage } from '../../../core/oci/media-types.ts';
import type { ReferenceLookup } from './reference-lookup.ts';

/** A document as it was read: an index of many platforms may be long, so it is parsed once for all of them. */
interface Read<D extends ManifestDocument> {
  readonly bytes: Buffer;
  readonly document: D;
}

/** BuildKit lists these beside the images that they are about, for no platform. */
const ATTESTATION = 'application/vnd.in-toto+json';

/** An index in an index in an index: more is nobody's image. */
const DEEPEST_INDEX = 4;
/** Indexes and manifests that are looked into because their index does not say what they are for. */
const MOST_LOOKED_INTO = 20;

/** The document that a reference names. */
type Root = Read<ManifestDocument>;

/** The manifests of an image for the platforms that were asked for. */
export interface PlatformManifests {
  /** By platform, in their order; `undefined` for one that the image lacks. */
  readonly manifests: readonly (Manifest | undefined)[];
  /** Platforms of the image, for messages. */
  readonly available: readonly string[];
}

const MOST_PLATFORMS_NAMED = 20;

/**
 * Chooses the manifest for `platform`. One that is not part of an index is taken for any platform: some tags have no other.
 *
 * @throws Failure `platform-missing`, `manifest-invalid`, `media-type-unsupported`
 */
export async function soleOrFor(
  platform: Platform,
  lookup: ReferenceLookup,
  foreignLayers: ForeignLayers,
): Promise<Manifest> {
  const root = readRoot(lookup);
  const { bytes, document } = root;
  const found = document.kind === 'image' ? { bytes, document } : await manifestFor(platform, root, lookup);
  if (found !== undefined) return manifestOf(found, root, lookup, foreignLayers);
  throw (
    (await artifactIn(root, lookup)) ??
    platformMissing(lookup.reference, [platform], await platformsOf(root, lookup))
  );
}

/** @throws Failure like {@link soleOrFor}, but for `platform-missing` */
export async function forPlatforms(
  platforms: readonly Platform[],
  lookup: ReferenceLookup,
  foreignLayers: ForeignLayers,
): Promise<PlatformManifests> {
  const root = readRoot(lookup);
  const manifests: (Manifest | undefined)[] = [];
  for (const platform of platforms) {
    const found = await manifestFor(platform, root, lookup);
    manifests.push(found && manifestOf(found, root, lookup, foreignLayers));
  }
  if (manifests.every((manifest) => manifest === undefined)) {
    const artifact = await artifactIn(root, lookup);
    if (artifact !== undefined) throw artifact;
  }
  const isWhole = manifests.every((manifest) => manifest !== undefined);
  return { manifests, available: isWhole ? [] : await platformsOf(root, lookup) };
}

function readRoot(lookup: ReferenceLookup): Root {
  const bytes = lookup.root();
  return { bytes, document: parseManifest(bytes, formatReference(lookup.reference)) };
}

function manifestOf(
  { bytes, document }: Read<ImageDocument>,
  root: Root,
  lookup: ReferenceLookup,
  foreignLayers: ForeignLayers,
): Manifest {
  const { mediaType, config, layers } = document;
  const first = layers.find(({ isForeign }) => isForeign);
  if (first !== undefined && foreignLayers === 'refuse') {
    throw new Failure(
      'media-type-unsupported',
      `the layer ${first.digest} of ${formatReference(lookup.reference)} has the media type ${first.mediaType}: registries do not distribute it`,
      { hint: 'set foreign-layers to fetch or to skip, or ask for an image without such layers' },
    );
  }
  const isSkipping = foreignLayers === 'skip';
  return {
    mediaType,
    digest: sha256(bytes),
    bytes,
    index: root.document.kind === 'index' ? { digest: sha256(root.bytes), bytes: root.bytes } : undefined,
    config,
    layers: layers.filter(({ isForeign }) => !(isSkipping && isForeign)),
    skipped: layers.flatMap(({ isForeign }, index) => (isSkipping && isForeign ? [index] : [])),
  };
}

/** @param available as in {@link PlatformManifests} */
export function platformMissing(
  reference: ImageReference,
  wanted: readonly Platform[],
  available: readonly string[],
): Failure {
  const named = available.slice(0, MOST_PLATFORMS_NAMED).map(printable).join(', ');
  const missing = wanted.map(formatPlatform).join(' or ');
  return new Failure(
    'platform-missing',
    `${formatReference(reference)} has no image for ${missing}; available: ${named || 'none'}`,
    { hint: `ask for an image that is built for ${missing}` },
  );
}

/**
 * Finds the manifest for `platform` among all that `lookup` leads to. Where an index does not say what its entries are for,
 * their configs do.
 *
 * @see OCI image specification 1.1, image-index.md
 * @throws Failure of the registry client; `manifest-invalid` for indexes that are nested too deep
 */
async function manifestFor(
  platform: Platform,
  root: Root,
  lookup: ReferenceLookup,
): Promise<Read<ImageDocument> | undefined> {
  return (await new Choice(platform, lookup).inDocument(root, 1))?.manifest;
}

/** Platforms of the image, as far as its index or config names them. */
async function platformsOf({ document }: Root, lookup: ReferenceLookup): Promise<string[]> {
  if (document.kind === 'index') return listPlatforms(document.entries);
  return listPlatforms([{ platform: await platformOfImage(document, lookup) }]);
}

/**
 * Recognizes an index without any image, such as the signatures of another image, or the layers of a build cache;
 * `undefined` where one of its entries may be an image, whatever its platform.
 */
async function artifactIn({ document }: Root, lookup: ReferenceLookup): Promise<NoImage | undefined> {
  if (document.kind === 'image' || document.entries.length === 0) return undefined;
  const types: string[] = [];
  for (const entry of document.entries) {
    const type = await artifactTypeOf(entry, lookup);
    if (type === undefined) return undefined;
    types.push(type);
  }
  const telling = types.find((type) => artifactOf(type) !== undefined) ?? types[0] ?? '';
  const what = `the index of ${formatReference(lookup.reference)}`;
  return noImage({ what, code: 'manifest-invalid' }, document.artifactType ?? telling);
}

/** `undefined` for what may be an image. */
async function artifactTypeOf(entry: IndexEntry, lookup: ReferenceLookup): Promise<string | undefined> {
  const { mediaType, platform, artifactType } = entry;
  if (artifactType !== undefined) return artifactType;
  if (platform?.os === 'unknown' && platform.architecture === 'unknown') return ATTESTATION;
  if (isIndex(mediaType)) return undefined;
  if (!isManifest(mediaType)) return mediaType;
  if (platform !== undefined) return undefined;
  try {
    // It was read to find out its platform.
    parseManifest(await lookup.manifest(entry), formatReference(lookup.reference));
    return undefined;
  } catch (error) {
    if (error instanceof NoImage) return error.type;
    throw error;
  }
}

async function platformOfImage(
  { config, layers }: ImageDocument,
  lookup: ReferenceLookup,
): Promise<Platform> {
  const name = formatReference(lookup.reference);
  const { os, architecture, variant } = parseConfig(await lookup.config(config), layers.length, name);
  return { os, architecture, variant };
}

/** A manifest for the platform: exactly, or for one of its variants where none is asked for. */
interface Match {
  readonly manifest: Read<ImageDocument>;
  readonly isExact: boolean;
}

class Choice {
  readonly #platform: Platform;
  readonly #lookup: ReferenceLookup;
  #lookedInto = 0;

  constructor(platform: Platform, lookup: ReferenceLookup) {
    this.#platform = platform;
    this.#lookup = lookup;
  }

  async inDocument({ bytes, document }: Root, depth: number): Promise<Match | undefined> {
    if (document.kind === 'index') return await this.#inIndex(document, depth);
    const actual = await platformOfImage(document, this.#lookup);
    return isPlatform(actual, this.#platform) ? this.#found(actual, { bytes, document }) : undefined;
  }

  async #inIndex({ entries }: IndexDocument, depth: number): Promise<Match | undefined> {
    if (depth > DEEPEST_INDEX) throw this.#invalid(`nests indexes deeper than ${DEEPEST_INDEX}`);
    const manifests = entries.filter(({ mediaType }) => isManifest(mediaType));
    const stated = choosePlatform(manifests, this.#platform);
    if (stated !== undefined) return await this.#stated(stated);
    let best: Match | undefined;
    for (const entry of entries.filter((other) => this.#mayHold(other))) {
      this.#lookedInto += 1;
      if (this.#lookedInto > MOST_LOOKED_INTO) {
        throw this.#invalid(`has more than ${MOST_LOOKED_INTO} entries that do not say what they are for`);
      }
      const found = await this.#unlessArtifact(entry, depth + 1);
      if (found?.isExact === true) return found;
      best ??= found;
    }
    return best;
  }

  /** Beside images an index may hold anything. */
  async #unlessArtifact(entry: IndexEntry, depth: number): Promise<Match | undefined> {
    const bytes = await this.#lookup.manifest(entry);
    try {
      return await this.inDocument({ bytes, document: parseManifest(bytes, this.#name) }, depth);
    } catch (error) {
      if (isFailure(error, 'media-type-unsupported')) return undefined;
      throw error;
    }
  }

  /** Takes the platform of a manifest from the index, whatever its config says. */
  async #stated(entry: IndexEntry): Promise<Match> {
    const bytes = await this.#lookup.manifest(entry);
    const document = parseManifest(bytes, this.#name);
    if (document.kind === 'image') return this.#found(entry.platform, { bytes, document });
    throw this.#invalid('calls an index a manifest');
  }

  #found(actual: Platform | undefined, manifest: Read<ImageDocument>): Match {
    return { manifest, isExact: actual !== undefined && equalPlatforms(actual, this.#platform) };
  }

  #mayHold({ mediaType, platform, artifactType }: IndexEntry): boolean {
    if (artifactType !== undefined) return false;
    if (platform === undefined) return isManifest(mediaType) || isIndex(mediaType);
    return isIndex(mediaType) && choosePlatform([{ platform }], this.#platform) !== undefined;
  }

  get #name(): string {
    return formatReference(this.#lookup.reference);
  }

  #invalid(reason: string): Failure {
    return new Failure('manifest-invalid', `the index of ${this.#name} ${reason}`, {
      hint: 'push the image with an index that lists its manifests',
    });
  }
}
