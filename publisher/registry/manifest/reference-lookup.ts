import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../../core/failure.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import { sha256, type Digest } from '../../../core/oci/digest.ts';
import type { ManifestBytes, ManifestFetcher } from './manifest-fetcher.ts';
import type { Descriptor } from '../../../core/oci/manifest.ts';
import type { CachedManifest, ManifestCache } from './manifest-cache.ts';

/** Of all documents together: those of usual images have some ten thousand. */
const MOST_BYTES = 8 * 1024 * 1024;

/** The documents that one reference leads to, each read once: from the cache, or from the registry. */
export class ReferenceLookup {
  readonly reference: ImageReference;
  readonly #fetcher: ManifestFetcher;
  readonly #root: ManifestBytes;
  readonly #digest: Digest;
  readonly #before: CachedManifest | undefined;
  readonly #used: Map<Digest, Buffer>;
  #isCached: boolean;
  #leftBytes: number;

  private constructor(
    reference: ImageReference,
    fetcher: ManifestFetcher,
    root: ManifestBytes,
    before: CachedManifest | undefined,
  ) {
    this.reference = reference;
    this.#fetcher = fetcher;
    this.#root = root;
    this.#digest = sha256(root.bytes);
    this.#before = before;
    this.#used = new Map([[this.#digest, root.bytes]]);
    this.#leftBytes = MOST_BYTES - root.bytes.length;
    this.#isCached = before?.digest === this.#digest && isDeepStrictEqual(before.etag, root.etag);
  }

  /**
   * Looks up what `reference` means now. A cached digest costs no request; a cached tag a HEAD request, where the registry
   * reports digests so.
   */
  static async begin(
    reference: ImageReference,
    fetcher: ManifestFetcher,
    cache: ManifestCache,
  ): Promise<ReferenceLookup> {
    const before = await cache.get(reference);
    const root =
      (before && (await rootNow(before, reference, fetcher))) ?? (await fetcher.manifest(reference));
    return new ReferenceLookup(reference, fetcher, root, before);
  }

  root(): Buffer {
    return this.#root.bytes;
  }

  async manifest(entry: Descriptor): Promise<Buffer> {
    const named = { ...this.reference, digest: entry.digest };
    return await this.#once(
      entry,
      async () => (await this.#fetcher.manifest(named, [{ ...entry, by: 'the index' }])).bytes,
    );
  }

  async config(config: Descriptor): Promise<Buffer> {
    return await this.#once(config, async () => await this.#fetcher.config(this.reference, config));
  }

  /**
   * Caches what was used, unless it is cached already. While a reference means the same, what others used of it, such as
   * other platforms, stays too.
   */
  async save(cache: ManifestCache): Promise<void> {
    if (this.#isCached) return;
    this.#isCached = true;
    const others = this.#before?.digest === this.#digest ? this.#before.documents : [];
    await cache.set(this.reference, {
      digest: this.#digest,
      etag: this.#root.etag,
      documents: new Map([...others, ...this.#used]),
    });
  }

  async #once({ digest, sizeBytes }: Descriptor, read: () => Promise<Buffer>): Promise<Buffer> {
    // What an index names has often stayed where the index itself changed.
    const known = this.#used.get(digest) ?? this.#before?.documents.get(digest);
    if (!this.#used.has(digest)) this.#leftBytes -= sizeBytes;
    if (this.#leftBytes < 0) throw tooLarge(this.reference);
    const bytes = known?.length === sizeBytes ? known : await read();
    if (bytes !== known) this.#isCached = false;
    this.#used.set(digest, bytes);
    return bytes;
  }
}

function tooLarge(reference: ImageReference): Failure {
  const message = `the documents of ${formatReference(reference)} have more than ${MOST_BYTES} bytes together`;
  return new Failure('manifest-invalid', message, {
    hint: 'far more than usual images have; ask whoever built it',
  });
}

/** The cached root of `reference` where it is still the same, or what a GET has brought instead. */
async function rootNow(
  before: CachedManifest,
  reference: ImageReference,
  fetcher: ManifestFetcher,
): Promise<ManifestBytes | undefined> {
  const bytes = before.documents.get(before.digest);
  if (bytes === undefined) return undefined;
  const root = { bytes, etag: before.etag };
  if (reference.digest !== undefined) return reference.digest === before.digest ? root : undefined;
  const now = await fetcher.changed(reference, before);
  if (now === 'unchanged') return root;
  return now === 'changed' ? undefined : now;
}
