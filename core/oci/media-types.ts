import { Failure } from '../failure.ts';

/** Compression of a layer's tar archive. */
export type LayerCompression = 'none' | 'gzip' | 'zstd';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** Of the manifests that release candidates of OCI 1.1 had for artifacts. */
export const OCI_ARTIFACT = 'application/vnd.oci.artifact.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

const IMAGE_CONFIGS: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  // Of clients older than Docker 1.10.2; what it holds is checked like any other.
  'application/octet-stream',
]);

/** Artifacts that registries hold beside images, by the beginning of their type; the first that fits counts. */
const ARTIFACTS: readonly (readonly [prefix: string, name: string])[] = [
  ['application/vnd.sylabs.sif.', 'an Apptainer image (SIF)'],
  ['application/vnd.cncf.helm.', 'a Helm chart'],
  ['application/vnd.buildkit.cacheconfig.', 'a build cache'],
  ['application/vnd.docker.plugin.', 'a Docker plugin'],
  ['application/vnd.docker.ai.', 'a model for Docker'],
  ['application/vnd.cncf.model.', 'a model'],
  ['application/vnd.ollama.', 'a model for Ollama'],
  ['application/vnd.wasm.', 'a WebAssembly module'],
  ['application/vnd.dev.cosign.artifact.sbom', 'a list of software'],
  ['application/vnd.dev.cosign.', 'a signature'],
  ['application/vnd.cncf.notary.', 'a signature'],
  ['application/vnd.dev.sigstore.', 'a signature'],
  ['application/vnd.in-toto', 'an attestation'],
  ['application/vnd.dsse.envelope', 'an attestation'],
  ['application/spdx', 'a list of software'],
  ['text/spdx', 'a list of software'],
  ['application/vnd.cyclonedx', 'a list of software'],
];

const SCHEMA_1: ReadonlySet<string> = new Set([
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
]);

const LAYERS: ReadonlyMap<string, LayerCompression> = new Map([
  ['application/vnd.oci.image.layer.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
]);

const KNOWN_LAYERS: ReadonlyMap<string, string> = new Map([...LAYERS.keys()].map((type) => [type, type]));

/** The same text, kept once: a text that was parsed is another one for each of half a million layers. */
export function sharedLayerType(type: string): string {
  return KNOWN_LAYERS.get(type) ?? type;
}

/** The `Accept` field of a request for a manifest. */
export const ACCEPTED_MANIFESTS = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(', ');

export function isManifest(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** An OCI index or a Docker manifest list. */
export function isIndex(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

export function isSchema1(mediaType: string): boolean {
  return SCHEMA_1.has(mediaType);
}

export function isImageConfig(mediaType: string): boolean {
  return IMAGE_CONFIGS.has(mediaType);
}

/** `undefined` for a layer that cannot be unpacked. */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  return LAYERS.get(mediaType);
}

/** Returns true for the media types of layers that registries do not distribute. */
export function isForeignLayer(mediaType: string): boolean {
  return /\.layer\.nondistributable\.|\.rootfs\.foreign\./.test(mediaType);
}

/** Names an artifact for messages; `undefined` for an unknown one. */
export function artifactOf(type: string): string | undefined {
  return ARTIFACTS.find(([prefix]) => type.startsWith(prefix))?.[1];
}

/** A reference leads to something other than a container image. */
export class NoImage extends Failure {
  /** Such as `a signature`. */
  readonly artifact: string;
  /** Media type or artifact type that says so. */
  readonly type: string;

  constructor(message: string, { artifact, type }: Pick<NoImage, 'artifact' | 'type'>) {
    super('media-type-unsupported', message, {
      hint: 'ask for a container image; what is found only by a pattern is passed over',
    });
    this.artifact = artifact;
    this.type = type;
  }
}
