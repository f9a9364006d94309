import { Failure } from '../../../core/failure.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { Documents, ManifestBytes } from './documents.ts';
import type { Descriptor } from '../../../core/oci/manifest.ts';
import type { EntityTag, ManifestMemory, Remembered } from './manifest-memory.ts';
import { sha256 } from './verify.ts';

/** Of all documents together: those of usual images have some ten thousand. */
const MOST_BYTES = 8 * 1024 * 1024;

/** The documents that one reference leads to, each read once: from the memory, or from the registry. */
export class Reading {
  readonly reference: ImageReference;
  readonly #documents: Documents;
  readonly #root: ManifestBytes;
  readonly #digest: Digest;
  readonly #before: Remembered | undefined;
  readonly #used: Map<Digest, Buffer>;
  #isRemembered: boolean;
  #leftBytes: number;

  private constructor(
    reference: ImageReference,
    documents: Documents,
    root: ManifestBytes,
    before: Remembered | undefined,
  ) {
    this.reference = reference;
    this.#documents = documents;
    this.#root = root;
    this.#digest = sha256(root.bytes);
    this.#before = before;
    this.#used = new Map([[this.#digest, root.bytes]]);
    this.#leftBytes = MOST_BYTES - root.bytes.length;
    this.#isRemembered = before?.digest === this.#digest && areSame(before.etag, root.etag);
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
    const before = await memory.recall(reference);
    const root =
      (before && (await rootNow(before, reference, documents))) ?? (await documents.manifest(reference));
    return new Reading(reference, documents, root, before);
  }

  /** The document that the reference names. */
  root(): Buffer {
    return this.#root.bytes;
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

  /**
   * Keeps what was used, unless the memory has it already. While a reference means the same, what others used of it,
   * such as other platforms, stays too.
   */
  async remember(memory: ManifestMemory): Promise<void> {
    if (this.#isRemembered) return;
    this.#isRemembered = true;
    const others = this.#before?.digest === this.#digest ? this.#before.documents : [];
    await memory.remember(this.reference, {
      digest: this.#digest,
      etag: this.#root.etag,
      documents: new Map([...others, ...this.#used]),
    });
  }

  async #once({ digest, sizeBytes }: Descriptor, read: () => Promise<Buffer>): Promise<Buffer> {
    // What an index names has often stayed where the index itself changed.
    const known = this.#used.get(digest) ?? this.#before?.documents.get(digest);
    if (!this.#used.has(digest)) this.#leftBytes -= sizeBytes;
    if (this.#leftBytes < 0) throw this.#tooLarge();
    const bytes = known?.length === sizeBytes ? known : await read();
    if (bytes !== known) this.#isRemembered = false;
    this.#used.set(digest, bytes);
    return bytes;
  }

  #tooLarge(): Failure {
    const image = formatReference(this.reference);
    return new Failure(
      'manifest-invalid',
      `the documents of ${image} have more than ${MOST_BYTES} bytes together, and no more are read`,
      { hint: 'no usual image has so much; ask whoever built it' },
    );
  }
}

/** What `before` has for `reference`, where that is still what it means, or what a GET has brought instead. */
async function rootNow(
  before: Remembered,
  reference: ImageReference,
  documents: Documents,
): Promise<ManifestBytes | undefined> {
  const bytes = before.documents.get(before.digest);
  if (bytes === undefined) return undefined;
  const root = { bytes, etag: before.etag };
  if (reference.digest !== undefined) return reference.digest === before.digest ? root : undefined;
  const now = await documents.changed(reference, before);
  if (now === 'unchanged') return root;
  return now === 'changed' ? undefined : now;
}

function areSame(one: EntityTag | undefined, other: EntityTag | undefined): boolean {
  return one?.value === other?.value && one?.url === other?.url;
}
