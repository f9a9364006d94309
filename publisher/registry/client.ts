import type { Failure } from '../../core/failure.ts';
import type { TagList, ImageReference } from '../../core/oci/reference.ts';
import { Authentication } from './authentication/authentication.ts';
import { Blobs, type BlobDescriptor, type BlobOptions } from './blobs.ts';
import type { ImageConfig } from '../../core/oci/config.ts';
import { Documents } from './manifest/documents.ts';
import type { Manifest, ManifestOutline } from '../../core/oci/manifest.ts';
import { Manifests, type PlatformManifests } from './manifest/manifests.ts';
import { DEFAULT_OPTIONS, type RegistryOptions } from './options.ts';
import { LINUX_AMD64, type Platform } from '../../core/oci/platform.ts';
import { Endpoints, type SlowBlob } from './endpoints.ts';
import { listTags } from './tag-list.ts';
import { Transport } from '../../core/http/transport.ts';

/**
 * Reads images from registries, and believes nothing without its digest. All methods throw `Failure`s:
 * `registry-unreachable`, `registry-timeout`, `dns-failed`, `tls-failed`, `registry-error`, `rate-limited`,
 * `unauthorized`, `forbidden`, `credentials-unavailable`, `interrupted`, and those that they name.
 *
 * @see OCI distribution specification 1.1
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;
  readonly #manifests: Manifests;
  readonly #blobs: Blobs;
  readonly #listTimeoutMs: number;

  constructor(options: Partial<RegistryOptions> = {}) {
    const complete = { ...DEFAULT_OPTIONS, ...options };
    const { memory, foreignLayers } = complete;
    this.#transport = new Transport(complete);
    this.#endpoints = new Endpoints(complete, new Authentication(this.#transport, complete));
    this.#listTimeoutMs = complete.listTimeoutMs;
    const documents = new Documents(this.#transport, this.#endpoints, complete.lookTimeoutMs);
    this.#manifests = new Manifests(documents, memory, foreignLayers);
    this.#blobs = new Blobs(this.#transport, this.#endpoints);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  /**
   * The tags of the repository, each once, in the registry's order. The tag of `reference` does not matter.
   *
   * @throws Failure `image-unknown`
   */
  async listTags(reference: ImageReference): Promise<TagList> {
    return await this.#endpoints.tryEach(
      reference,
      'tag list',
      async (endpoint) => await listTags(this.#transport, endpoint, this.#listTimeoutMs),
    );
  }

  /**
   * The manifest that `reference` names, by its digest where it has one, or else by its tag. An index leads to its
   * manifest for `platform`; what is no index is taken for any platform.
   *
   * @throws Failure `image-unknown`, `tag-unknown`, `platform-missing`, `manifest-invalid`, `media-type-unsupported`,
   *   `digest-mismatch`
   */
  async fetchManifest(reference: ImageReference, platform: Platform = LINUX_AMD64): Promise<Manifest> {
    return await this.#manifests.forAnyPlatformOr(platform, reference);
  }

  /**
   * The manifests that `reference` has for `platforms`. What is no index is taken for the platform that its config
   * names.
   *
   * @throws Failure like {@link fetchManifest}, but for `platform-missing`
   */
  async fetchManifests(
    reference: ImageReference,
    platforms: readonly Platform[],
  ): Promise<PlatformManifests> {
    return await this.#manifests.forPlatforms(platforms, reference);
  }

  /**
   * A manifest with its documents, as {@link fetchManifest} had them: what is not remembered is asked for again.
   *
   * @throws Failure `tag-unknown` where the registry has them no more, `digest-mismatch`
   */
  async fetchDocuments(reference: ImageReference, outline: ManifestOutline): Promise<Manifest> {
    return await this.#manifests.withDocuments(reference, outline);
  }

  /** @throws Failure `digest-mismatch`, `manifest-invalid` */
  async fetchConfig(reference: ImageReference, manifest: ManifestOutline): Promise<ImageConfig> {
    return await this.#manifests.config(reference, manifest);
  }

  /**
   * Starts a blob, and gives its bytes from `offset` on, also where the registry sends all of them. They are as the
   * registry sends them: whoever reads them checks size and digest. They must be iterated, since they hold a
   * connection; leaving the loop ends the request. Iterating throws `registry-error` where the body breaks off, and
   * `registry-timeout` where it stands still.
   *
   * @throws Failure `blob-unknown`; RangeRefused (`registry-error`) where the registry cannot begin at `offset`
   */
  async openBlob(
    reference: ImageReference,
    descriptor: BlobDescriptor,
    options: BlobOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    return await this.#blobs.open(reference, descriptor, options);
  }

  /** To be told of a blob that did not come in time: its host is set aside. */
  tooSlow(reference: ImageReference, failure: Failure, download: SlowBlob): void {
    this.#endpoints.tooSlow(reference, failure, download);
  }
}
