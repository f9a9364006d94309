import { createHash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';
import { blobOf, descriptorOf, type Descriptor } from '../images/blob.ts';
import { MEDIA_TYPES, rawImage } from '../images/image.ts';

export interface TestLayer {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly diffId: Digest;
  /** Where else it is to be had. */
  readonly urls?: readonly string[];
}

/** What an image is made of. */
export interface TestImageParts {
  readonly layers: readonly TestLayer[];
  /** Goes over `{architecture: 'amd64', os: 'linux', rootfs: …}`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** An image as a registry stores it: an OCI manifest, and blobs by digest. */
export interface TestImage {
  readonly manifest: Buffer;
  readonly manifestDigest: Digest;
  readonly configDigest: Digest;
  readonly blobs: ReadonlyMap<Digest, Buffer>;
}

export const OCI_MANIFEST_TYPE = MEDIA_TYPES.oci.manifest;
export const OCI_INDEX_TYPE = MEDIA_TYPES.oci.index;
export const OCI_CONFIG_TYPE = MEDIA_TYPES.oci.config;

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A layer whose bytes are stored as they are. */
export function plainLayer(bytes: Buffer): TestLayer {
  return { mediaType: MEDIA_TYPES.oci.layers.plain, bytes, diffId: digestOf(bytes) };
}

export function buildImage({ layers, config = {} }: TestImageParts): TestImage {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const blobs = layers.map(({ mediaType, bytes, urls }) => ({ ...blobOf(mediaType, bytes), urls }));
  const made = rawImage(blobs, { config: { architecture: 'amd64', os: 'linux', rootfs, ...config } });
  return {
    manifest: made.manifest.bytes,
    manifestDigest: made.manifest.digest,
    configDigest: made.config.digest,
    blobs: new Map([made.config, ...blobs].map(({ digest, bytes }) => [digest, bytes])),
  };
}

/** A descriptor as it stands in a manifest. */
export function describeBlob(mediaType: string, bytes: Buffer): Descriptor {
  return descriptorOf(blobOf(mediaType, bytes));
}

/** An index with such entries. `changes` go over its members. */
export function buildIndex(entries: readonly object[], changes: object = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX_TYPE, manifests: entries, ...changes }),
  );
}

/** An entry of an index for `os/architecture[/variant]`, or for no platform. */
export function indexEntry(bytes: Buffer, platform?: string, mediaType = OCI_MANIFEST_TYPE): object {
  const entry = describeBlob(mediaType, bytes);
  if (platform === undefined) return entry;
  const [os, architecture, variant] = platform.split('/');
  return { ...entry, platform: { os, architecture, variant } };
}
