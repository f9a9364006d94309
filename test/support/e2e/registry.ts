import type { Image } from '../images/image.ts';
import { serveImages, type ReadOnlyRegistry, type RegistryOptions } from '../images/read-only-registry.ts';
import { ImageStore } from '../images/store.ts';

/** A registry of the tests' own, and what it holds. */
export class TestRegistry {
  readonly store: ImageStore;
  readonly #registry: ReadOnlyRegistry;

  private constructor(store: ImageStore, registry: ReadOnlyRegistry) {
    this.store = store;
    this.#registry = registry;
  }

  static async start(options: RegistryOptions = {}): Promise<TestRegistry> {
    const store = new ImageStore();
    return new TestRegistry(store, await serveImages(store, options));
  }

  get host(): string {
    return this.#registry.host;
  }

  /** Adds an image, and gives what a recipe calls it. */
  add(repository: string, tag: string, image: Image): string {
    this.store.add(repository, image, tag);
    return `http://${this.host}/${repository}:${tag}`;
  }

  /** The requests since the last time that this was asked. */
  requests(): string[] {
    return this.#registry.requests.splice(0);
  }

  /** The blobs among them, by digest. */
  blobRequests(): string[] {
    return this.requests().flatMap((line) => /\/blobs\/(sha256:\w+)$/.exec(line)?.[1] ?? []);
  }

  async close(): Promise<void> {
    await this.#registry.close();
  }
}
