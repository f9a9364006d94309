import type { Failure } from '../../core/failure.ts';
import { Transport } from '../../core/http/transport.ts';
import { parseConfig, type ImageConfig } from '../../core/oci/config.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Manifest, ManifestOutline } from '../../core/oci/manifest.ts';
import { LINUX_AMD64, type Platform } from '../../core/oci/platform.ts';
import { formatReference, type ImageReference, type TagList } from '../../core/oci/reference.ts';
import { Authentication } from './authentication/authentication.ts';
import { openBlob, type BlobDescriptor, type BlobOptions } from './blobs.ts';
import { Endpoints, type SlowBlob } from './endpoints.ts';
import { forPlatforms, soleOrFor, type PlatformManifests } from './manifest/manifest-choice.ts';
import { ManifestFetcher } from './manifest/manifest-fetcher.ts';
import { ReferenceLookup } from './manifest/reference-lookup.ts';
import { DEFAULT_OPTIONS, type RegistryOptions } from './options.ts';
import { TagPresence, type Presence } from './tag-presence.ts';
import { listTags } from './tag-list.ts';

/**
 * Reads images from registries, and believes nothing without its digest. All methods throw `Failure`s:
 * `registry-unreachable`, `registry-timeout`, `dns-failed`, `tls-failed`, `registry-error`, `rate-limited`,
 * `unauthorized`, `forbidden`, `credentials-unavailable`, `interrupted`, and those that they name.
 *
 * @see OCI distribution specification 1.1
 */
export class RegistryClient {
  readonly #options: RegistryOptions;
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;
  readonly #fetcher: ManifestFetcher;
  readonly #presence: TagPresence;

  constructor(options: Partial<RegistryOptions> = {}) {
    const complete = { ...DEFAULT_OPTIONS, ...options };
    this.#options = complete;
    this.#transport = new Transport(complete);
    this.#endpoints = new Endpoints(complete, new Authentication(this.#transport, complete));
    this.#fetcher = new ManifestFetcher(this.#transport, this.#endpoints, complete.lookTimeoutMs);
    this.#presence = new TagPresence(this.#transport, this.#endpoints, complete);
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  /**
   * Lists the tags of the repository, each once, in the registry's order. The tag of `reference` does not matter.
   *
   * @throws Failure `image-unknown`
   */
  async listTags(reference: ImageReference): Promise<TagList> {
    return await this.#endpoints.tryEach(reference, 'tag list', async (endpoint) => {
      const { tags, isWhole } = await listTags(this.#transport, endpoint, this.#options.listTimeoutMs);
      return { tags, isWhole };
    });
  }

  /** Asks the registry itself whether it has `tags` of the repository. @throws Failure `interrupted` */
  async presenceOf(
    reference: ImageReference,
    tags: readonly string[],
  ): Promise<ReadonlyMap<string, Presence>> {
    return await this.#presence.of(reference, tags);
  }

  /**
   * Fetches the manifest that `reference` names, by its digest where it has one, or else by its tag. An index leads to its
   * manifest for `platform`; any other manifest is taken for every platform.
   *
   * @throws Failure `image-unknown`, `tag-unknown`, `platform-missing`, `manifest-invalid`, `media-type-unsupported`,
   *   `digest-mismatch`
   */
  async fetchManifest(reference: ImageReference, platform: Platform = LINUX_AMD64): Promise<Manifest> {
    const { foreignLayers } = this.#options;
    return await this.#lookUp(reference, async (lookup) => await soleOrFor(platform, lookup, foreignLayers));
  }

  /**
   * Fetches the manifests that `reference` has for `platforms`. A manifest without an index is taken for the platform that
   * its config names.
   *
   * @throws Failure like {@link fetchManifest}, but for `platform-missing`
   */
  async fetchManifests(
    reference: ImageReference,
    platforms: readonly Platform[],
  ): Promise<PlatformManifests> {
    const { foreignLayers } = this.#options;
    return await this.#lookUp(
      reference,
      async (lookup) => await forPlatforms(platforms, lookup, foreignLayers),
    );
  }

  async #lookUp<T>(reference: ImageReference, work: (lookup: ReferenceLookup) => Promise<T>): Promise<T> {
    const { manifestCache } = this.#options;
    const lookup = await ReferenceLookup.begin(reference, this.#fetcher.forImage(), manifestCache);
    try {
      return await work(lookup);
    } finally {
      // Also of an artifact, or an image for other platforms: the next poll finds out for a HEAD request.
      await lookup.save(manifestCache);
    }
  }

  /**
   * Completes a manifest with its documents, as {@link fetchManifest} had them: what is not cached is fetched again.
   *
   * @throws Failure `tag-unknown` where the registry has them no more, `digest-mismatch`
   */
  async fetchDocuments(reference: ImageReference, outline: ManifestOutline): Promise<Manifest> {
    const cached = await this.#options.manifestCache.get(reference);
    const fetcher = this.#fetcher.forImage();
    const read = async (digest: Digest): Promise<Buffer> =>
      cached?.documents.get(digest) ?? (await fetcher.manifest({ ...reference, digest })).bytes;
    const { digest, index } = outline;
    return {
      ...outline,
      bytes: await read(digest),
      index: index && { digest: index.digest, bytes: await read(index.digest) },
    };
  }

  /**
   * Fetches the config, unless it is cached; it is cached then, beside the manifest.
   *
   * @throws Failure `digest-mismatch`, `manifest-invalid`
   */
  async fetchConfig(
    reference: ImageReference,
    { config, layers, skipped }: ManifestOutline,
  ): Promise<ImageConfig> {
    const { manifestCache } = this.#options;
    const cached = await manifestCache.get(reference);
    const known = cached?.documents.get(config.digest);
    const bytes = known ?? (await this.#fetcher.forImage().config(reference, config));
    if (known === undefined && cached !== undefined)
      await manifestCache.set(reference, {
        ...cached,
        documents: new Map([...cached.documents, [config.digest, bytes]]),
      });
    const all = parseConfig(bytes, layers.length + skipped.length, formatReference(reference));
    return { ...all, diffIds: all.diffIds.filter((_, index) => !skipped.includes(index)) };
  }

  /**
   * Starts a blob, and returns its bytes from `offset` on, also where the registry sends all of them. They are not
   * verified: whoever reads them checks size and digest. They must be iterated, since they hold a connection; leaving the
   * loop ends the request. Iterating throws `registry-error` where the body breaks off, and `registry-timeout` where it
   * stands still.
   *
   * @throws Failure `blob-unknown`; RangeRefused (`registry-error`) where the registry cannot begin at `offset`
   */
  async openBlob(
    reference: ImageReference,
    descriptor: BlobDescriptor,
    options: BlobOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    return await openBlob(this.#transport, this.#endpoints, { reference, descriptor, options });
  }

  /** Sets the host aside of a blob that did not come in time. */
  tooSlow(reference: ImageReference, failure: Failure, download: SlowBlob): void {
    this.#endpoints.tooSlow(reference, failure, download);
  }
}
