import type { Digest } from '../../core/oci/digest.ts';
import { isFailure } from '../../core/failure.ts';
import { isSystemError } from '../../core/system-error.ts';
import type { Descriptor } from '../../core/oci/manifest.ts';
import { FileIndex } from '../compose/sharing/file-index.ts';
import { KnownFiles } from '../compose/sharing/known-files.ts';
import { likeliestFirst, LikelyLayers } from '../compose/sharing/likely-layers.ts';
import { layerDigests, type ResolvedImage } from '../image/image.ts';
import { FilePack } from '../layer/file-pack.ts';
import type { ListOptions } from '../layer/listing.ts';
import type { PublishingContext } from './context.ts';

/** Records of files that a layer is compared with: for a small one, many are more work than decompressing it again. */
const MOST_RECORDS = 200_000;
const BYTES_PER_RECORD = 512;
/** Each has an open file. */
const MOST_PACKS = 64;
/** Of all packs together: see the memory that each takes. */
const MOST_FILES = 200_000;

type PackContext = Pick<PublishingContext, 'view' | 'spool' | 'budget' | 'listings' | 'backend' | 'options'>;

/**
 * Packs of files that no layer published before is likely to have: what a rebuilt image brings. They stay as long as somebody
 * holds the blobs of their layers.
 */
export class LayerPacks {
  readonly #context: PackContext;
  readonly #packs = new Map<Digest, FilePack>();
  #likely: LikelyLayers;

  constructor(context: PackContext) {
    this.#context = context;
    this.#likely = new LikelyLayers(context.view);
  }

  /** Looks anew at what is published. */
  renew(): void {
    this.#likely = new LikelyLayers(this.#context.view);
  }

  /** Those of `layers` that there are. */
  of(layers: Iterable<Digest>): ReadonlyMap<Digest, FilePack> {
    const wanted = new Set(layers);
    return new Map([...this.#packs].filter(([layer]) => wanted.has(layer)));
  }

  /** What the repository is likely to have of a new layer of `image`; `undefined`: nothing. */
  async knownFiles(image: ResolvedImage, { digest, sizeBytes }: Descriptor): Promise<KnownFiles | undefined> {
    const { listings, options } = this.#context;
    const { overwriteLayers, sameContent } = options;
    if (overwriteLayers || !image.outputs.has('layers')) return undefined;
    try {
      const likely = likeliestFirst(await this.#likely.of(image), layerDigests(image).indexOf(digest));
      const mostRecords = Math.min(MOST_RECORDS, sizeBytes / BYTES_PER_RECORD);
      return await KnownFiles.of(likely, { index: new FileIndex(listings), sameContent, mostRecords });
    } catch (error) {
      // What cannot be read is read again where it counts. Without a guess it only takes longer.
      if (!isSystemError(error) && !isFailure(error)) throw error;
      return undefined;
    }
  }

  /** Begins a pack for the files of a layer that are not `known`; `undefined` where there is no room for it. */
  begin({ sizeBytes }: Descriptor, known: KnownFiles | undefined): ListOptions['aside'] {
    const { spool, budget, backend } = this.#context;
    const files = [...this.#packs.values()].reduce((sum, pack) => sum + pack.files, 0);
    if (known === undefined || this.#packs.size >= MOST_PACKS || files >= MOST_FILES) return undefined;
    if ((spool.freeBytes ?? 0) < spool.lackingBytes(budget.layers) + 2 * sizeBytes) return undefined;
    return {
      pack: new FilePack(spool.newPath(), sizeBytes),
      isKept: (item, content) => !backend.mayShare(item.attributes) || !known.has(item, content),
    };
  }

  /** Keeps the pack of a layer whose blob was verified, and listed. */
  keep(layer: Digest, pack: FilePack | undefined): void {
    if (pack === undefined) return;
    if (!pack.isOpen || this.#packs.has(layer)) {
      pack.close();
      return;
    }
    this.#packs.set(layer, pack);
    this.#context.spool.whenLetGo(layer, () => {
      this.#packs.delete(layer);
      pack.close();
    });
  }
}
