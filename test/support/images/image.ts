import { descriptorOf, jsonBlob } from './blob.ts';
import type { Blob, BlobInMemory } from './blob.ts';
import type { Compression } from './compression.ts';
import type { Layer } from './layer.ts';

export type Flavour = 'oci' | 'docker';

/** @see OCI image specification 1.1, config.md, "Properties" */
export interface ImageConfig {
  /** `undefined`: the config has none. */
  readonly architecture?: string | undefined;
  readonly os?: string | undefined;
  readonly variant?: string;
  readonly created?: string;
  readonly config?: {
    readonly User?: string;
    readonly Env?: readonly string[];
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly WorkingDir?: string;
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

/** What a tag can stand for: a manifest with everything that it needs. */
export interface Image {
  readonly manifest: BlobInMemory;
  /** Config and layers; none for an index. */
  readonly blobs: readonly Blob[];
  /** From the lowest to the topmost. */
  readonly layers: readonly Layer[];
  /** The images of an index. */
  readonly images: readonly Image[];
}

export interface ImageParts {
  readonly layers: readonly Layer[];
  /** linux/amd64, created in 2024, where it does not say otherwise. */
  readonly config?: ImageConfig;
  /** OCI, where nothing is said. */
  readonly flavour?: Flavour;
}

/**
 * An image: config and manifest of `layers`.
 *
 * @see OCI image specification 1.1, manifest.md; Docker's "Image Manifest Version 2, Schema 2"
 */
export function image({ layers, config = {}, flavour = 'oci' }: ImageParts): Image {
  const types = MEDIA_TYPES[flavour];
  const served = layers.map((layer) => ({ ...layer, mediaType: types.layers[layer.compression] }));
  const { manifest, blobs } = rawImage(served, {
    types,
    config: {
      architecture: 'amd64',
      os: 'linux',
      created: '2024-01-01T00:00:00Z',
      config: {},
      ...config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    },
  });
  return { manifest, blobs, layers: served, images: [] };
}

/** Config and manifest of `layers`, with nothing made to fit: what a registry may serve. */
export function rawImage(
  layers: readonly (Blob & { readonly urls?: readonly string[] | undefined })[],
  { config, types = MEDIA_TYPES.oci }: { readonly config: object; readonly types?: MediaTypes },
): Pick<Image, 'manifest' | 'blobs'> & { readonly config: BlobInMemory } {
  const configBlob = jsonBlob(types.config, config);
  const manifest = jsonBlob(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptorOf(configBlob),
    layers: layers.map((layer) => ({ ...descriptorOf(layer), urls: layer.urls })),
  });
  return { manifest, config: configBlob, blobs: [configBlob, ...layers] };
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** An index (Docker: manifest list) of images for several platforms, in the order given. */
export function imageIndex(
  members: readonly { readonly image: Image; readonly platform?: Platform }[],
  flavour: Flavour = 'oci',
): Image {
  const mediaType = MEDIA_TYPES[flavour].index;
  const manifests = members.map((member) => ({
    ...descriptorOf(member.image.manifest),
    ...(member.platform === undefined ? {} : { platform: member.platform }),
  }));
  const manifest = jsonBlob(mediaType, { schemaVersion: 2, mediaType, manifests });
  return { manifest, blobs: [], layers: [], images: members.map((member) => member.image) };
}

interface MediaTypes {
  readonly manifest: string;
  readonly index: string;
  readonly config: string;
  readonly layers: Readonly<Record<Compression, string>>;
}

export const MEDIA_TYPES: Readonly<Record<Flavour, MediaTypes>> = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layers: {
      gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
      zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
      plain: 'application/vnd.oci.image.layer.v1.tar',
    },
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layers: {
      gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
      plain: 'application/vnd.docker.image.rootfs.diff.tar',
    },
  },
};
