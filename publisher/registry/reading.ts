import type { ImageReference } from '../../wishlist/reference.ts';
import type { Digest } from './digest.ts';
import type { Documents, ManifestBytes } from './documents.ts';
import type { Descriptor } from './manifest.ts';
import type { ManifestMemory, Remembered } from './manifest-memory.ts';
import { sha256 } from './verify.ts';

/** The documents that one reference leads to, each read once: from the memory, or from the registry. */
export class Reading {
  readonly reference: ImageReference;
  /** Of the manifest or index that the reference names. */
  readonly digest: Digest;
  readonly #documents: Documents;
  readonly #etag: string | undefined;
  readonly #known: ReadonlyMap<Digest, Buffer>;
  readonly #used = new Map<Digest, Buffer>();
  #isRemembered: boolean;

  private constructor(
    reference: ImageReference,
    documents: Documents,
    { digest, etag, documents: known }: Remembered,
    isRemembered: boolean,
  ) {
    this.reference = reference;
    this.digest = digest;
    this.#documents = documents;
    this.#etag = etag;
    this.#known = known;
    this.#isRemembered = isRemembered;
  }

  /**
   * Finds out what `reference` means now. What is pinned by digest and remembered costs no request; a tag that is
   * remembered a HEAD request, where the registry tells digests so.
   */
  static async begin(
    reference: ImageReference,
    documents: Documents,
    memory: ManifestMemory,
  ): Promise<Reading> {
    const known = await memory.recall(reference);
    const now = known === undefined ? 'changed' : await changedSince(known, reference, documents);
    if (known !== undefined && now === 'unchanged') return new Reading(reference, documents, known, true);
    const { bytes, etag } = typeof now === 'string' ? await documents.manifest(reference) : now;
    const digest = sha256(bytes);
    // What an index names has often stayed where the index itself changed.
    const all = new Map([...(known?.documents ?? []), [digest, bytes] as const]);
    return new Reading(reference, documents, { digest, etag, documents: all }, false);
  }

  /** The document that the reference names. */
  root(): Buffer {
    const bytes = this.#recall(this.digest);
    if (bytes === undefined) throw new Error('a reading begins with its first document');
    return bytes;
  }

  /** A manifest or index that an index names. */
  async manifest(entry: Descriptor): Promise<Buffer> {
    const named = { ...this.reference, digest: entry.digest };
    return await this.#once(
      entry,
      async () => (await this.#documents.manifest(named, [{ ...entry, by: 'the index' }])).bytes,
    );
  }

  async config(config: Descriptor): Promise<Buffer> {
    return await this.#once(config, async () => await this.#documents.config(this.reference, config));
  }

  /** Keeps what was used, unless the memory has it already. */
  async remember(memory: ManifestMemory): Promise<void> {
    if (this.#isRemembered) return;
    this.#isRemembered = true;
    await memory.remember(this.reference, {
      digest: this.digest,
      etag: this.#etag,
      documents: this.#used,
    });
  }

  async #once({ digest, sizeBytes }: Descriptor, read: () => Promise<Buffer>): Promise<Buffer> {
    const known = this.#recall(digest);
    if (known?.length === sizeBytes) return known;
    const bytes = await read();
    this.#isRemembered = false;
    this.#used.set(digest, bytes);
    return bytes;
  }

  #recall(digest: Digest): Buffer | undefined {
    const bytes = this.#used.get(digest) ?? this.#known.get(digest);
    if (bytes !== undefined) this.#used.set(digest, bytes);
    return bytes;
  }
}

async function changedSince(
  known: Remembered,
  reference: ImageReference,
  documents: Documents,
): Promise<ManifestBytes | 'unchanged' | 'changed'> {
  return reference.digest === undefined ? await documents.changed(reference, known) : 'unchanged';
}
