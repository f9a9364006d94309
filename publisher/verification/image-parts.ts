import { isFailure, messageOf } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { parseConfig, type ImageConfig } from '../../core/oci/config.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { ImageMeter } from '../image/image-limits.ts';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { STOPPING } from '../image/own-failure.ts';
import { storedConfig, storedIndex } from '../outputs/podman/stored-documents.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import type { PublishingContext } from '../pipeline/context.ts';
import { Preparer } from '../pipeline/preparer.ts';
import type { PublishedImage } from '../published/published-image.ts';
import { TreeLoader, type StackedLayer } from '../tree/image-trees.ts';

/** What is known of a published image, from the state, the repository and the registry. */
export interface ImageParts {
  /** `undefined` where the config cannot be had. */
  readonly image: ReadyImage | undefined;
  /** All layers on each other; `undefined` where one of them is unknown. */
  readonly stack: readonly StackedLayer[] | undefined;
  /** Where there is no stack: layers that are known, each by itself. */
  readonly layers: readonly StackedLayer[];
  readonly unknown: readonly string[];
  /** Contradictions between its manifest, its config and its layers. */
  readonly wrong: readonly string[];
}

/** Gets what images are made of, without bringing anything: blobs are fetched only to list them, and go again. */
export class PartsFinder {
  readonly #context: PublishingContext;
  readonly #preparer: Preparer;
  readonly #loader: TreeLoader;

  constructor(context: PublishingContext) {
    this.#context = context;
    this.#preparer = new Preparer(context);
    this.#loader = new TreeLoader(context.listings);
  }

  /** @throws Failure of {@link STOPPING} */
  async partsOf(published: PublishedImage): Promise<ImageParts> {
    const unknown: string[] = [];
    const wrong: string[] = [];
    const config = await orUnknown(unknown, 'its config', async () => {
      try {
        return await this.#configOf(published);
      } catch (error) {
        if (isFailure(error, 'manifest-invalid')) wrong.push(error.message);
        throw error;
      }
    });
    for (const reason of await this.#wrongLayers(published, config)) wrong.push(reason);
    const layers = layerDigests(published);
    const known: Digest[] = [];
    for (const [index, layer] of layers.entries()) {
      const list = async () => await this.#list(published, index, config?.diffIds[index]);
      if ((await orUnknown(unknown, `layer ${layer}`, list)) === true) known.push(layer);
    }
    const stack =
      known.length === layers.length
        ? await orUnknown(unknown, 'its layers together', async () => await this.#load(layers))
        : undefined;
    const alone: StackedLayer[] = [];
    if (stack === undefined)
      for (const layer of known) {
        const loaded = await orUnknown(unknown, `layer ${layer}`, async () => await this.#load([layer]));
        for (const one of loaded ?? []) alone.push(one);
      }
    const image = config && {
      ...published,
      config,
      manifest: await this.#withIndex(published),
      blobs: new Map<Digest, string>(),
    };
    return { image, stack, layers: alone, unknown, wrong };
  }

  /**
   * The documents of a published image: its config from the podman store, the cache, or the registry.
   *
   * @throws Failure of the registry client
   */
  async documentsOf(
    published: PublishedImage,
  ): Promise<{ readonly config: ImageConfig; readonly manifest: Manifest }> {
    return { config: await this.#configOf(published), manifest: await this.#withIndex(published) };
  }

  /** The verified blob of a layer, for as long as `work` takes. */
  async withBlob(
    { reference, manifest }: PublishedImage,
    layer: Digest,
    work: (path: string) => Promise<void>,
  ): Promise<void> {
    const { spool, client, signal } = this.#context;
    const descriptor = manifest.layers.find(({ digest }) => digest === layer);
    if (descriptor === undefined) throw new Error(`${layer} is not a layer of the image`);
    const hold = spool.hold([layer]);
    try {
      await work(await spool.fetch(client, reference, descriptor, { signal }));
    } finally {
      await hold.release(true);
    }
  }

  async #configOf(published: PublishedImage): Promise<ImageConfig> {
    const { client, view } = this.#context;
    const { reference, manifest, publicName } = published;
    const stored = await storedConfig(view, published);
    if (stored === undefined) return await client.fetchConfig(reference, manifest);
    const { layers, skipped } = manifest;
    const all = parseConfig(stored, layers.length + skipped.length, displayPath(publicName));
    return { ...all, diffIds: all.diffIds.filter((_, index) => !skipped.includes(index)) };
  }

  /** With the index that led to it, where that is known and to be had. */
  async #withIndex(published: PublishedImage): Promise<Manifest> {
    const { view, client } = this.#context;
    const { manifest, reference } = published;
    const index = await storedIndex(view, published);
    if (index === undefined) return manifest;
    const { digest, bytes } = index;
    if (bytes !== undefined) return { ...manifest, index: { digest, bytes } };
    const fetched = await orUnknown(
      [],
      'its index',
      async () => await client.fetchDocuments(reference, { ...manifest, index: { digest } }),
    );
    return fetched ?? manifest;
  }

  /** The tree of a layer is named by its blob, and is right for that whatever an image says. */
  async #wrongLayers({ manifest }: PublishedImage, config: ImageConfig | undefined): Promise<string[]> {
    const wrong: string[] = [];
    if (config === undefined) return wrong;
    const { diffIds } = config;
    for (const [index, { digest }] of manifest.layers.entries()) {
      const known = (await this.#context.listings.headerOf(digest))?.diffId;
      if (known !== undefined && known !== diffIds[index])
        wrong.push(
          `layer ${digest} has the diff ID ${known}, not ${diffIds[index] ?? 'any'} as its config says`,
        );
    }
    return wrong;
  }

  /** @returns true: there is a listing now */
  async #list(
    { reference, manifest }: PublishedImage,
    index: number,
    diffId: Digest | undefined,
  ): Promise<boolean> {
    const { listings, signal, spool } = this.#context;
    const descriptor = manifest.layers[index];
    if (descriptor === undefined) return false;
    if ((await listings.headerOf(descriptor.digest)) !== undefined) return true;
    if (diffId === undefined) return false;
    await this.#preparer.list(reference, descriptor, diffId, signal);
    await spool.remove(descriptor.digest);
    return true;
  }

  async #load(layers: readonly Digest[]): Promise<readonly StackedLayer[]> {
    return await this.#loader.loadStack(layers, new ImageMeter(this.#context.options.imageLimits));
  }
}

/** The result of `work`; `undefined` where it fails, for a reason that is added to `unknown`. */
export async function orUnknown<T>(
  unknown: string[],
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isFailure(error) || STOPPING.has(error.code)) throw error;
    unknown.push(`${what}: ${messageOf(error)}`);
    return undefined;
  }
}
