import { z } from 'zod';
import { Failure } from '../failure.ts';
import { quoted } from '../text.ts';
import { isDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { checkSchema, parseJson } from '../json.ts';
import type { DocumentName } from '../json.ts';
import {
  OCI_ARTIFACT,
  OCI_INDEX,
  OCI_MANIFEST,
  artifactOf,
  isForeignLayer,
  isImageConfig,
  isIndex,
  isManifest,
  isSchema1,
  layerCompression,
  sharedLayerType,
  NoImage,
} from './media-types.ts';
import type { Platform } from './platform.ts';

/** Names a blob or manifest by its content. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A layer as a manifest names it. */
export interface LayerDescriptor extends Descriptor {
  /** Registries do not distribute it, by its media type. */
  readonly isForeign: boolean;
  /** Further addresses of a foreign layer: some of those in the manifest. */
  readonly urls: readonly string[];
}

/** Manifest of one image for one platform, its digest checked. */
export interface ManifestOutline {
  readonly mediaType: string;
  readonly digest: Digest;
  /** The index that the reference names, where it led here. */
  readonly index: { readonly digest: Digest } | undefined;
  readonly config: Descriptor;
  /** Layers of the image, from the lowest up. */
  readonly layers: readonly LayerDescriptor[];
  /** Of layers that are left out: their places among all that the document has, from 0. */
  readonly skipped: readonly number[];
}

/** The same with its documents, of which nobody should keep many. */
export interface Manifest extends ManifestOutline {
  /** Exactly as served. */
  readonly bytes: Buffer;
  readonly index: { readonly digest: Digest; readonly bytes: Buffer } | undefined;
}

export function outlineOf({ mediaType, digest, index, config, layers, skipped }: Manifest): ManifestOutline {
  return { mediaType, digest, index: index && { digest: index.digest }, config, layers, skipped };
}

export interface IndexEntry extends Descriptor {
  readonly platform: Platform | undefined;
  /** Name of the artifact that it is, where its index says so. */
  readonly artifactType: string | undefined;
}

/** A parsed manifest. */
export type ManifestDocument = IndexDocument | ImageDocument;

export interface IndexDocument {
  readonly kind: 'index';
  readonly mediaType: string;
  /** Name of the artifact that it is in place of an image. */
  readonly artifactType: string | undefined;
  readonly entries: readonly IndexEntry[];
}

export interface ImageDocument {
  readonly kind: 'image';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly LayerDescriptor[];
}

export const digestSchema = z.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'expected sha256: and 64 hexadecimal digits',
);

const descriptorShape = {
  mediaType: z.string(),
  digest: digestSchema,
  size: z.int().nonnegative(),
};

function nonEmpty(text: string | null | undefined): string | undefined {
  return text === '' || text === null ? undefined : text;
}

const descriptorSchema = z
  .object(descriptorShape)
  .transform(({ mediaType, digest, size }): Descriptor => ({ mediaType, digest, sizeBytes: size }));

/** Anybody may write a manifest with thousands, or with long ones. */
const MOST_URLS = 10;
const LONGEST_URL = 2048;
const NO_URLS: readonly string[] = [];

function usefulUrls(urls: readonly string[]): readonly string[] {
  return urls.filter((url) => url.length <= LONGEST_URL).slice(0, MOST_URLS);
}

const layerSchema = z
  .object({ ...descriptorShape, urls: z.array(z.string()).nullish() })
  .transform(({ mediaType, digest, size, urls }): LayerDescriptor => ({
    mediaType: sharedLayerType(mediaType),
    digest,
    sizeBytes: size,
    isForeign: isForeignLayer(mediaType),
    urls: isForeignLayer(mediaType) ? usefulUrls(urls ?? []) : NO_URLS,
  }));

/** Indexes of other things than images leave out what the specification demands: such an entry matches nothing. */
const platformSchema = z
  .object({ os: z.string().nullish(), architecture: z.string().nullish(), variant: z.string().nullish() })
  .transform(({ os, architecture, variant }): Platform => ({
    os: os ?? 'unknown',
    architecture: architecture ?? 'unknown',
    variant: variant ?? undefined,
  }));

const entrySchema = z
  .object({ ...descriptorShape, platform: platformSchema.nullish(), artifactType: z.string().nullish() })
  .transform(({ mediaType, digest, size, platform, artifactType }): IndexEntry => ({
    mediaType,
    digest,
    sizeBytes: size,
    platform: platform ?? undefined,
    artifactType: nonEmpty(artifactType),
  }));

const outlineSchema = z.object({
  schemaVersion: z.unknown().optional(),
  mediaType: z.string().nullish(),
  manifests: z.unknown().optional(),
  config: z.unknown().optional(),
  layers: z.unknown().optional(),
});
type Outline = z.output<typeof outlineSchema>;

/** The largest official images have some thirty, each with an attestation. */
const MOST_ENTRIES = 1000;

const entriesSchema = z.object({ manifests: z.array(z.unknown()) });
const indexSchema = z.object({ manifests: z.array(entrySchema), artifactType: z.string().nullish() });
const headSchema = z.object({ config: descriptorSchema, artifactType: z.string().nullish() });
const imageSchema = z.object({ config: descriptorSchema, layers: z.array(layerSchema) });

/**
 * Reads a manifest or index of OCI or Docker schema 2. `image` names it in messages.
 *
 * @see OCI image specification 1.1, manifest.md and image-index.md; Docker image manifest version 2, schema 2
 * @throws Failure `manifest-invalid` where it breaks its schema; NoImage (`media-type-unsupported`) where it is of
 *   something else; `media-type-unsupported` where it is none of the two, or has a layer that cannot be unpacked
 */
export function parseManifest(bytes: Buffer, image: string): ManifestDocument {
  const name: DocumentName = { what: `the manifest of ${image}`, code: 'manifest-invalid' };
  const json = parseJson(bytes, name);
  const mediaType = mediaTypeOf(checkSchema(outlineSchema, json, name), name);
  if (isIndex(mediaType)) {
    checkEntries(json, name);
    const { manifests: entries, artifactType } = checkSchema(indexSchema, json, name);
    return { kind: 'index', mediaType, artifactType: nonEmpty(artifactType), entries };
  }
  if (mediaType === OCI_ARTIFACT) throw noImage(name, mediaType);
  if (!isManifest(mediaType)) throw unsupported(name, `it has the media type ${quoted(mediaType)}`);
  const { config, artifactType } = checkSchema(headSchema, json, name);
  if (!isImageConfig(config.mediaType)) {
    throw noImage(name, nonEmpty(artifactType) ?? config.mediaType);
  }
  const { layers } = checkSchema(imageSchema, json, name);
  for (const layer of layers) checkLayer(layer, name);
  return { kind: 'image', mediaType, config, layers };
}

/** The media type, by content where none is written: that is allowed in OCI documents only. */
function mediaTypeOf(outline: Outline, name: DocumentName): string {
  const { schemaVersion, manifests, config, layers } = outline;
  const written = outline.mediaType ?? '';
  if (schemaVersion === 1 || isSchema1(written)) {
    throw unsupported(name, 'it is of schema 1, which registries gave up');
  }
  const isLikeIndex = isPresent(manifests);
  const isLikeManifest = isPresent(config) || isPresent(layers);
  // A document that is both is a known way to show different images to different tools (CVE-2021-41190).
  if (isLikeIndex && isLikeManifest) {
    throw new Failure(name.code, `${name.what} is an index and a manifest at once`, {
      hint: 'do not use it',
    });
  }
  if (written !== '') return written;
  if (isLikeIndex) return OCI_INDEX;
  if (isLikeManifest) return OCI_MANIFEST;
  throw new Failure(name.code, `${name.what} has neither a media type nor manifests nor layers`, {
    hint: 'ask whoever runs the registry; a proxy in between may answer in its place',
  });
}

/** Counted before each is looked at. */
function checkEntries(json: unknown, name: DocumentName): void {
  const { manifests } = checkSchema(entriesSchema, json, name);
  if (manifests.length <= MOST_ENTRIES) return;
  throw new Failure(
    name.code,
    `${name.what} is an index of ${manifests.length} entries, and at most ${MOST_ENTRIES} are read`,
    { hint: 'ask for one of its images by digest, or for an image with fewer platforms' },
  );
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function checkLayer(layer: Descriptor, name: DocumentName): void {
  if (layerCompression(layer.mediaType) !== undefined) return;
  // Signatures and attestations often have the config of an image.
  if (artifactOf(layer.mediaType) !== undefined) throw noImage(name, layer.mediaType);
  throw unsupported(name, `its layer ${layer.digest} has the media type ${quoted(layer.mediaType)}`);
}

/** @param type of the artifact, or of its config or layers, where they tell what it is */
export function noImage({ what }: DocumentName, type: string): NoImage {
  const artifact = artifactOf(type) ?? 'an artifact';
  const message = `${what} is not supported: it is not a container image but ${artifact}, of the type ${quoted(type)}`;
  return new NoImage(message, { artifact, type });
}

function unsupported(name: DocumentName, reason: string): Failure {
  return new Failure('media-type-unsupported', `${name.what} is not supported: ${reason}`, {
    hint: 'ask for a Linux container image in the OCI or Docker schema 2 format with gzip, zstd or plain tar layers',
  });
}
