import { Failure, isFailure } from '../../../core/failure.ts';
import {
  equalPlatforms,
  choosePlatform,
  isPlatform,
  listPlatforms,
  type Platform,
} from '../../../core/oci/platform.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import { parseConfig } from '../../../core/oci/config.ts';
import type {
  ImageDocument,
  IndexDocument,
  IndexEntry,
  ManifestDocument,
} from '../../../core/oci/manifest.ts';
import { noImage, parseManifest } from '../../../core/oci/manifest.ts';
import { artifactOf, isIndex, isManifest, NoImage } from '../../../core/oci/media-types.ts';
import type { Reading } from './reading.ts';

/** A manifest of one image, as it was read. */
export interface ReadManifest {
  readonly bytes: Buffer;
  readonly document: ImageDocument;
}

/** What BuildKit lists beside the images that it is about, for no platform. */
const ATTESTATION = 'application/vnd.in-toto+json';

/** An index in an index in an index: more is nobody's image. */
const DEEPEST_INDEX = 4;
/** Indexes and manifests that are looked into because their index does not say what they are for. */
const MOST_LOOKED_INTO = 20;

/** What a reference names: an index of many platforms may be long, so it is parsed once for all of them. */
export interface Root {
  readonly bytes: Buffer;
  readonly document: ManifestDocument;
}

/** @throws Failure `manifest-invalid`, `media-type-unsupported` */
export function readRoot(reading: Reading): Root {
  const bytes = reading.root();
  return { bytes, document: parseManifest(bytes, formatReference(reading.reference)) };
}

/** The one that a reference names, unless it names an index. */
export function soleManifest({ bytes, document }: Root): ReadManifest | undefined {
  return document.kind === 'image' ? { bytes, document } : undefined;
}

/**
 * The manifest for `platform` among all that `reading` leads to, or `undefined`. Where an index does not say what its
 * entries are for, their configs do.
 *
 * @see OCI image specification 1.1, image-index.md
 * @throws Failure of the registry client; `manifest-invalid` for indexes that are nested too deep
 */
export async function manifestFor(
  platform: Platform,
  root: Root,
  reading: Reading,
): Promise<ReadManifest | undefined> {
  return (await new Choice(platform, reading).inDocument(root, 1))?.manifest;
}

/** What the image is there for, as far as its index or config says so. */
export async function platformsOf({ document }: Root, reading: Reading): Promise<string[]> {
  if (document.kind === 'index') return listPlatforms(document.entries);
  return listPlatforms([{ platform: await platformOfImage(document, reading) }]);
}

/**
 * What an index stands for that has no image at all, such as the signatures of another one, or the layers of a build cache;
 * `undefined` where one of its entries may be an image, whatever it is for.
 */
export async function artifactIn({ document }: Root, reading: Reading): Promise<NoImage | undefined> {
  if (document.kind === 'image' || document.entries.length === 0) return undefined;
  const name = {
    what: `the index of ${formatReference(reading.reference)}`,
    code: 'manifest-invalid',
  } as const;
  const types: string[] = [];
  for (const entry of document.entries) {
    const type = await artifactTypeOf(entry, reading);
    if (type === undefined) return undefined;
    types.push(type);
  }
  const telling = types.find((type) => artifactOf(type) !== undefined) ?? types[0] ?? '';
  return noImage(name, document.artifactType ?? telling);
}

/** `undefined` for what may be an image. */
async function artifactTypeOf(entry: IndexEntry, reading: Reading): Promise<string | undefined> {
  const { mediaType, platform, artifactType } = entry;
  if (artifactType !== undefined) return artifactType;
  if (platform?.os === 'unknown' && platform.architecture === 'unknown') return ATTESTATION;
  if (isIndex(mediaType)) return undefined;
  if (!isManifest(mediaType)) return mediaType;
  if (platform !== undefined) return undefined;
  try {
    // It was read to find out its platform.
    parseManifest(await reading.manifest(entry), formatReference(reading.reference));
    return undefined;
  } catch (error) {
    if (error instanceof NoImage) return error.type;
    throw error;
  }
}

async function platformOfImage({ config, layers }: ImageDocument, reading: Reading): Promise<Platform> {
  const { os, architecture, variant } = parseConfig(
    await reading.config(config),
    layers.length,
    formatReference(reading.reference),
  );
  return { os, architecture, variant };
}

/** What is for the platform that is wanted: exactly, or one of its variants where none is asked for. */
interface Found {
  readonly manifest: ReadManifest;
  readonly isExact: boolean;
}

class Choice {
  readonly #platform: Platform;
  readonly #reading: Reading;
  #lookedInto = 0;

  constructor(platform: Platform, reading: Reading) {
    this.#platform = platform;
    this.#reading = reading;
  }

  async inDocument({ bytes, document }: Root, depth: number): Promise<Found | undefined> {
    if (document.kind === 'index') return await this.#inIndex(document, depth);
    const actual = await platformOfImage(document, this.#reading);
    return isPlatform(actual, this.#platform) ? this.#found(actual, { bytes, document }) : undefined;
  }

  async #inIndex({ entries }: IndexDocument, depth: number): Promise<Found | undefined> {
    if (depth > DEEPEST_INDEX) throw this.#invalid(`nests indexes deeper than ${DEEPEST_INDEX}`);
    const manifests = entries.filter(({ mediaType }) => isManifest(mediaType));
    const stated = choosePlatform(manifests, this.#platform);
    if (stated !== undefined) return await this.#stated(stated);
    let best: Found | undefined;
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
  async #unlessArtifact(entry: IndexEntry, depth: number): Promise<Found | undefined> {
    const bytes = await this.#reading.manifest(entry);
    try {
      return await this.inDocument({ bytes, document: parseManifest(bytes, this.#name) }, depth);
    } catch (error) {
      if (isFailure(error, 'media-type-unsupported')) return undefined;
      throw error;
    }
  }

  /** What an index says of a manifest counts, whatever its config says. */
  async #stated(entry: IndexEntry): Promise<Found> {
    const bytes = await this.#reading.manifest(entry);
    const document = parseManifest(bytes, this.#name);
    if (document.kind === 'image') return this.#found(entry.platform, { bytes, document });
    throw this.#invalid('calls an index a manifest');
  }

  #found(actual: Platform | undefined, manifest: ReadManifest): Found {
    return { manifest, isExact: actual !== undefined && equalPlatforms(actual, this.#platform) };
  }

  #mayHold({ mediaType, platform, artifactType }: IndexEntry): boolean {
    if (artifactType !== undefined) return false;
    if (platform === undefined) return isManifest(mediaType) || isIndex(mediaType);
    return isIndex(mediaType) && choosePlatform([{ platform }], this.#platform) !== undefined;
  }

  get #name(): string {
    return formatReference(this.#reading.reference);
  }

  #invalid(reason: string): Failure {
    return new Failure('manifest-invalid', `the index of ${this.#name} ${reason}`, {
      hint: 'push the image with an index that lists its manifests',
    });
  }
}
