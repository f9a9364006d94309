import { mapLimited, Slots } from '../../core/concurrency.ts';
import { Failure, isFailure, messageOf } from '../../core/failure.ts';
import { formatReference, type ImageReference } from '../../core/oci/reference.ts';
import { ImageMeter, checkManifest } from '../image/image-limits.ts';
import { anySignal } from '../../core/interruption.ts';
import { layerDigests, type ReadyImage, type ResolvedImage } from '../image/image.ts';
import { listLayer, wrongDiffId, type FreshListing } from '../layer/listing.ts';
import { enabledOutputs } from '../outputs/outputs.ts';
import { treeName } from '../outputs/output.ts';
import { isLayerRecorded, isOfNow, layerLocation } from '../published/published.ts';
import type { ImageConfig } from '../../core/oci/config.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { formatPlatform, type Platform } from '../../core/oci/platform.ts';
import type { Descriptor, Manifest, ManifestOutline } from '../../core/oci/manifest.ts';
import { inTurns } from '../../core/turns.ts';
import type { DownloadListener } from '../spool/download.ts';
import type { GrowingFile } from '../spool/growing-file.ts';
import type { PublishingContext } from './context.ts';
import type { Repair } from './resolve.ts';
import { FileIndex } from '../compose/sharing/file-index.ts';
import { indexLayer } from '../compose/sharing/index-layer.ts';
import { LayerPacks } from './layer-packs.ts';
import { buildLayerTree } from '../tree/layer-tree.ts';
import { counted } from '../../core/text.ts';

interface LayerOfImage {
  readonly reference: ImageReference;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** False where only its listing is used, and none of its files published. */
  readonly isBrought: boolean;
  /** Begins a pack for its files, before it is listed; `undefined`: none is wanted. */
  readonly beginPack: (() => ReturnType<LayerPacks['begin']>) | undefined;
  readonly signal: AbortSignal;
}

/** Of what an image brings: one that brings more leaves a download to the others. */
const LARGE_BYTES = 1024 ** 3;

/**
 * Gets ready what a publication needs of images: manifests, configs, verified blobs of the layers that the repository
 * lacks, and the listings of all layers. Everything that can fail for a reason of the image's fails here.
 */
export class Preparer {
  readonly #context: PublishingContext;
  /** Images share layers: each is prepared once for all images of one registry, by whoever comes first. */
  readonly #layers = new Map<string, Promise<void>>();
  readonly #slots: Slots;
  readonly #packs: LayerPacks;

  constructor(context: PublishingContext) {
    this.#context = context;
    this.#packs = new LayerPacks(context);
    const { downloads } = context.options;
    // Some are left to others where one registry is slow.
    this.#slots = new Slots(() => downloads, downloads + Math.ceil(downloads / 2));
  }

  /**
   * Layers of `image` that the repository lacks, with what they weigh in the registry: what a batch is measured by.
   *
   * @throws Failure `image-too-large` for what its manifest says: thousands of layers are not to be kept while it waits
   */
  async missingLayers(image: ResolvedImage, repair?: Repair): Promise<Descriptor[]> {
    checkManifest(image.manifest, this.#context.options.imageLimits);
    const missing: Descriptor[] = [];
    for (const layer of image.manifest.layers)
      if (await this.#isMissing(layer.digest, repair)) missing.push(layer);
    return missing;
  }

  async #isMissing(layer: Digest, repair: Repair | undefined): Promise<boolean> {
    const { view, options } = this.#context;
    if (options.overwriteLayers) return true;
    const how = repair?.trees.get(treeName(layerLocation(layer)));
    return how === undefined ? !(await isLayerRecorded(view, layer)) : how === 'whole';
  }

  /**
   * @throws Failure of the registry client and the spool; `layer-corrupt`, `layer-refused`, `digest-mismatch`,
   *   `image-too-large`
   */
  async prepare(image: ResolvedImage, signal: AbortSignal, repair?: Repair): Promise<ReadyImage> {
    const { client, spool } = this.#context;
    const { reference } = image;
    const config = repair?.config ?? (await client.fetchConfig(reference, image.manifest));
    this.#checkPlatform(image, config);
    this.#checkLayers(image);
    const brought = await this.#broughtLayers(image, repair);
    const layers = image.manifest.layers.flatMap((descriptor, index): LayerOfImage[] => {
      const diffId = config.diffIds[index];
      if (diffId === undefined) return [];
      const isBrought = brought.has(descriptor.digest);
      const isPacked = isBrought && repair === undefined;
      const beginPack = isPacked ? async () => await this.#packs.begin(image, descriptor) : undefined;
      return [{ reference, descriptor, diffId, isBrought, beginPack, signal }];
    });
    await mapLimited(layers, this.#layersAtATime(layers), async (layer) => await this.#layer(layer));
    await this.#checkEntries(image);
    for (const layer of repair === undefined ? layers : []) {
      if (brought.has(layer.descriptor.digest) || !(await this.#isMadeWithOthers(image, layer))) continue;
      await this.#fetch(layer);
      brought.add(layer.descriptor.digest);
    }
    const blobs = new Map([...brought].map((layer) => [layer, spool.pathOf(layer)]));
    // Last, since nobody should keep them while layers are fetched.
    const known = isWhole(image.manifest) ? image.manifest : repair?.manifest;
    const manifest = known ?? (await client.fetchDocuments(reference, image.manifest));
    const ready = { ...image, manifest, config, blobs, packs: this.#packs.of(brought) };
    for (const output of enabledOutputs(image.outputs)) await output.prepare?.(ready, signal);
    return ready;
  }

  /**
   * Lists a layer unless its listing is known. The blob is fetched for that, and stays.
   *
   * @throws Failure like {@link prepare}
   */
  async list(
    reference: ImageReference,
    descriptor: Descriptor,
    diffId: Digest,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#layer({ reference, descriptor, diffId, isBrought: false, beginPack: undefined, signal });
  }

  /** Looks anew at what is published: something was. */
  renew(): void {
    this.#packs.renew();
  }

  /** Forgets the blobs of `image`: it is published. */
  async discard(image: ResolvedImage): Promise<void> {
    for (const layer of layerDigests(image)) await this.#context.spool.remove(layer);
  }

  /**
   * A manifest by itself is taken whatever it is for: some tags have no other. Its users should know. Variants do not
   * count, since tools write other ones into configs than into indexes.
   */
  #checkPlatform({ reference, platform }: ResolvedImage, config: ImageConfig): void {
    const differs = differenceOf(config, platform);
    if (differs === undefined) return;
    this.#context.observe({ type: 'warning', message: `${formatReference(reference)} ${differs}` });
  }

  #checkLayers({ reference, manifest }: ResolvedImage): void {
    const left = manifest.skipped.length;
    if (left === 0) return;
    const message = `${formatReference(reference)} is published without ${counted(left, 'layer')} that registries do not distribute`;
    this.#context.observe({ type: 'warning', message });
  }

  /** Limits the members of all layers: an image takes memory for each. */
  async #checkEntries(image: ResolvedImage): Promise<void> {
    const meter = new ImageMeter(this.#context.options.imageLimits);
    for (const layer of layerDigests(image))
      meter.keep((await this.#context.listings.headerOf(layer))?.entries ?? 0);
  }

  /** Without published layers a flat tree brings all its files itself, unless every layer can be linked to. */
  async #broughtLayers(image: ResolvedImage, repair: Repair | undefined): Promise<Set<Digest>> {
    if (repair !== undefined && ![...repair.trees.values()].includes('whole')) return new Set();
    const missing = (await this.missingLayers(image, repair)).map(({ digest }) => digest);
    const bringsAll = !image.outputs.has('layers') && missing.length > 0;
    return new Set(bringsAll ? layerDigests(image) : missing);
  }

  /** True where an earlier version published the layer with files of other layers, which this image may lack. */
  async #isMadeWithOthers({ outputs }: ResolvedImage, { descriptor }: LayerOfImage): Promise<boolean> {
    const { digest } = descriptor;
    if (!outputs.has('layers') || (await isOfNow(this.#context.view, digest))) return false;
    const listing = await this.#context.listings.load(digest);
    if (listing === undefined) return false;
    const meter = new ImageMeter(this.#context.options.imageLimits);
    return (await inTurns(buildLayerTree(listing, digest, meter))).hasForeignLinks;
  }

  #layersAtATime(layers: readonly LayerOfImage[]): number {
    const { downloads } = this.#context.options;
    const brought = layers.filter(({ isBrought }) => isBrought);
    const bytes = brought.reduce((sum, { descriptor }) => sum + descriptor.sizeBytes, 0);
    return bytes > LARGE_BYTES ? Math.max(1, downloads - 1) : downloads;
  }

  async #layer(layer: LayerOfImage): Promise<void> {
    const key = `${layer.reference.registry} ${layer.descriptor.digest}`;
    const running = this.#layers.get(key);
    if (running !== undefined) {
      // Its outcome says nothing of this image, whose repository may have the layer, or whose config may name another.
      await Promise.allSettled([running]);
      await this.#inTurn(layer);
      return;
    }
    const work = this.#inTurn(layer);
    this.#layers.set(key, work);
    try {
      await work;
    } finally {
      this.#layers.delete(key);
    }
  }

  async #inTurn(layer: LayerOfImage): Promise<void> {
    const release = await this.#slots.take(layer.reference.registry, layer.signal);
    try {
      await this.#prepareLayer(layer);
    } finally {
      release();
    }
  }

  async #prepareLayer(layer: LayerOfImage): Promise<void> {
    const { listings } = this.#context;
    const { digest } = layer.descriptor;
    const known = (await listings.headerOf(digest))?.diffId;
    if (known !== undefined && known !== layer.diffId) throw wrongDiffId(digest, known, layer.diffId);
    if (known !== undefined) {
      if (layer.isBrought) await this.#fetch(layer);
      return;
    }
    const refused = new AbortController();
    const signal = anySignal(layer.signal, refused.signal);
    let early: Promise<FreshListing | undefined> | undefined;
    const blob = await this.#fetch({ ...layer, signal }, (file) => {
      early = this.#listEarly(layer, file, (refusal) => refused.abort(refusal));
    });
    const listing = (await early) ?? (await this.#list(layer, blob));
    await indexLayer(digest, listing, new FileIndex(listings), this.#context.options.imageLimits);
    await listings.save(digest, listing);
  }

  /**
   * While the layer is downloaded. Nothing is verified yet, so that no error counts but a refusal: whatever is still to come,
   * this is nothing to be read to its end.
   */
  async #listEarly(
    layer: LayerOfImage,
    file: GrowingFile,
    refuse: (refusal: Failure) => void,
  ): Promise<FreshListing | undefined> {
    try {
      return await this.#list(layer, file.read());
    } catch (error) {
      if (isFailure(error, 'layer-refused')) refuse(error);
      return undefined;
    }
  }

  async #list(
    { descriptor, diffId, beginPack, signal }: LayerOfImage,
    blob: Parameters<typeof listLayer>[0],
  ): Promise<FreshListing> {
    const aside = await beginPack?.();
    try {
      const { layerLimits: limits } = this.#context.options;
      const listing = await listLayer(blob, diffId, { limits, signal, aside });
      await this.#packs.keep(descriptor.digest, aside?.pack);
      return listing;
    } catch (error) {
      await aside?.pack.close();
      if (!isFailure(error)) throw error;
      const { code, message, hint } = error;
      throw new Failure(code, `layer ${descriptor.digest}: ${message}`, {
        hint,
        cause: error,
      });
    }
  }

  async #fetch(
    { reference, descriptor, signal }: LayerOfImage,
    onFile?: DownloadListener['onFile'],
  ): Promise<string> {
    const { client, spool, observe } = this.#context;
    const { digest, sizeBytes } = descriptor;
    const started = { image: formatReference(reference), layer: digest, sizeBytes };
    observe({ type: 'layer-started', ...started });
    let received = 0;
    const onBytes = (total: number): void => {
      observe({ type: 'layer-bytes', layer: digest, bytes: total - received });
      received = total;
    };
    try {
      const path = await spool.fetch(client, reference, descriptor, { onBytes, onFile, signal });
      observe({ type: 'layer-finished', ...started, error: undefined });
      return path;
    } catch (error) {
      observe({ type: 'layer-finished', ...started, error: messageOf(error) });
      throw error;
    }
  }
}

/** What is published anew has its documents already, which no registry need know any more. */
function isWhole(manifest: ManifestOutline): manifest is Manifest {
  return 'bytes' in manifest;
}

/** Describes how the platform of a config differs from the wanted one; `undefined`: it does not. */
function differenceOf({ os, architecture, variant }: ImageConfig, wanted: Platform): string | undefined {
  if (os === wanted.os && architecture === wanted.architecture) return undefined;
  const filled = { os: os || wanted.os, architecture: architecture || wanted.architecture, variant };
  if (filled.os !== wanted.os || filled.architecture !== wanted.architecture)
    return `is for ${formatPlatform(filled)}, not ${formatPlatform(wanted)}`;
  const unsaid = [...(architecture === '' ? ['architecture'] : []), ...(os === '' ? ['os'] : [])];
  return `has a config without ${unsaid.join(' and ')}: it is taken for ${formatPlatform(wanted)}`;
}
