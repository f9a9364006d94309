import { createHash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';

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

export const OCI_MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A layer whose bytes are stored as they are. */
export function plainLayer(bytes: Buffer): TestLayer {
  return { mediaType: OCI_LAYER_TYPE, bytes, diffId: digestOf(bytes) };
}

export function buildImage({ layers, config = {} }: TestImageParts): TestImage {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const configBytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs, ...config }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST_TYPE,
      config: describeBlob(OCI_CONFIG_TYPE, configBytes),
      layers: layers.map(({ mediaType, bytes, urls }) => ({ ...describeBlob(mediaType, bytes), urls })),
    }),
  );
  const blobs = [configBytes, ...layers.map(({ bytes }) => bytes)];
  return {
    manifest,
    manifestDigest: digestOf(manifest),
    configDigest: digestOf(configBytes),
    blobs: new Map(blobs.map((bytes) => [digestOf(bytes), bytes])),
  };
}

/** A descriptor as it stands in a manifest. */
export function describeBlob(
  mediaType: string,
  bytes: Buffer,
): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
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
