import type { Digest } from '../../../core/oci/digest.ts';
import type { Blob, BlobInMemory } from './blob.ts';
import type { Image } from './image.ts';

/** The images of a registry, by repository. May be changed while it is served. */
export class ImageStore {
  readonly #repositories = new Map<string, Repository>();

  /** Adds `image` to `repository` (such as `lab/app`), and lets `tag` stand for it from now on where one is given. */
  add(repository: string, image: Image, tag?: string): void {
    const { manifests, blobs, tags } = this.#open(repository);
    for (const member of image.images) this.add(repository, member);
    for (const blob of image.blobs) blobs.set(blob.digest, blob);
    manifests.set(image.manifest.digest, image);
    if (tag !== undefined) tags.set(tag, image.manifest.digest);
  }

  /** Adds one blob, or puts other bytes in the place of one. */
  addBlob(repository: string, blob: Blob): void {
    this.#open(repository).blobs.set(blob.digest, blob);
  }

  removeTag(repository: string, tag: string): void {
    this.#repositories.get(repository)?.tags.delete(tag);
  }

  /** Removes all that no tag stands for. */
  removeUntagged(repository: string): void {
    const found = this.#repositories.get(repository);
    if (found === undefined) return;
    const { manifests, blobs, tags } = found;
    const tagged = [...tags.values()].flatMap((digest) => manifests.get(digest) ?? []);
    manifests.clear();
    blobs.clear();
    for (const image of tagged) this.add(repository, image);
  }

  has(repository: string): boolean {
    return this.#repositories.has(repository);
  }

  repositories(): string[] {
    return [...this.#repositories.keys()].sort();
  }

  /** In the order in which registries list them. */
  tags(repository: string): string[] {
    return [...(this.#repositories.get(repository)?.tags.keys() ?? [])].sort();
  }

  /** The image of a tag or of a manifest's digest. */
  image(repository: string, reference: string): Image | undefined {
    const found = this.#repositories.get(repository);
    return found?.manifests.get(found.tags.get(reference) ?? reference);
  }

  manifest(repository: string, reference: string): BlobInMemory | undefined {
    return this.image(repository, reference)?.manifest;
  }

  blob(repository: string, digest: string): Blob | undefined {
    return this.#repositories.get(repository)?.blobs.get(digest);
  }

  /** Everything that `repository` holds, each once. */
  contents(repository: string): Blob[] {
    const found = this.#repositories.get(repository);
    if (found === undefined) return [];
    return [...[...found.manifests.values()].map(({ manifest }) => manifest), ...found.blobs.values()];
  }

  #open(name: string): Repository {
    const known = this.#repositories.get(name);
    if (known !== undefined) return known;
    const created: Repository = { manifests: new Map(), blobs: new Map(), tags: new Map() };
    this.#repositories.set(name, created);
    return created;
  }
}

interface Repository {
  readonly manifests: Map<string, Image>;
  readonly blobs: Map<string, Blob>;
  readonly tags: Map<string, Digest>;
}
