import { descriptorOf, jsonBlob } from './blob.ts';
import type { Image } from './image.ts';

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

/** What tells that a manifest is of no image. */
export interface ArtifactParts {
  /** Of its config. */
  readonly configType: string;
  /** Of its only layer. */
  readonly layerType?: string;
  readonly artifactType?: string;
}

/** Something that registries hold beside images, with one layer. @see OCI image specification 1.1, manifest.md */
export function artifact({ configType, layerType = 'text/plain', artifactType }: ArtifactParts): Image {
  const config = jsonBlob(configType, { architecture: '', os: '', rootfs: { type: 'layers', diff_ids: [] } });
  const content = jsonBlob(layerType, { content: `${configType} ${layerType}` });
  const manifest = jsonBlob(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(artifactType !== undefined && { artifactType }),
    config: descriptorOf(config),
    layers: [descriptorOf(content)],
  });
  return { manifest, blobs: [config, content], layers: [], images: [] };
}

/** An index of nothing but such things. `entries` go over their descriptors. */
export function artifactIndex(members: readonly { readonly image: Image; readonly entry?: object }[]): Image {
  const manifest = jsonBlob(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: members.map(({ image, entry }) => ({ ...descriptorOf(image.manifest), ...entry })),
  });
  return { manifest, blobs: [], layers: [], images: members.map(({ image }) => image) };
}

/** What BuildKit keeps of a build where it is told to export its cache to a registry as an index. */
export function buildCacheIndex(): Image {
  const layer = jsonBlob('application/vnd.oci.image.layer.v1.tar+gzip', { layer: 1 });
  const config = jsonBlob('application/vnd.buildkit.cacheconfig.v0', { layers: [] });
  const manifest = jsonBlob(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [layer, config].map(descriptorOf),
  });
  return { manifest, blobs: [layer, config], layers: [], images: [] };
}
