import type { Digest } from '../../core/oci/digest.ts';
import { isFailure } from '../../core/failure.ts';
import { isSystemError } from '../../core/system-error.ts';
import type { Descriptor } from '../../core/oci/manifest.ts';
import { FileIndex } from '../compose/sharing/file-index.ts';
import { KnownFiles } from '../compose/sharing/known-files.ts';
import { likeliestFirst, LikelyLayers } from '../compose/sharing/likely-layers.ts';
import { layerDigests, type ResolvedImage } from '../image/image.ts';
import { FilePack, type PackLimits, type PackRule } from '../layer/file-pack.ts';
import { SpoolAside } from '../layer/spool-aside.ts';
import type { FilesAside } from '../publication/files-aside.ts';
import type { ListOptions } from '../layer/listing.ts';
import type { PublishingContext } from './context.ts';

/** Records of files that a layer is compared with: for a small one, many are more work than decompressing it again. */
const MOST_RECORDS = 200_000;
const BYTES_PER_RECORD = 512;
/** Each has an open file. */
const MOST_PACKS = 64;
/** Of all packs together, each of which takes some 40 bytes of memory; in the spool twice as much, for its SHA-256. */
const MOST_FILES = 200_000;
const MOST_FILES_IN_SPOOL = 50_000;
/** Of what is free on the disk of a repository, for all packs: what is published needs room too. */
const MOST_OF_FREE = 1 / 4;

type PackContext = Pick<
  PublishingContext,
  'repository' | 'view' | 'spool' | 'budget' | 'listings' | 'backend' | 'notice' | 'options'
>;

/**
 * Packs of files that no layer published before is likely to have: all of a new image, and what a rebuilt one brings. They stay as
 * long as somebody holds the blobs of their layers.
 *
 * Where the repository has a place for them, their files are moved from there. Elsewhere they take room in the spool, and
 * reading them costs something too, so that only what is left of a rebuilt layer is written.
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

  /** Begins a pack for what a new layer of `image` brings; `undefined` where that does not pay, or there is no room for it. */
  async begin(image: ResolvedImage, layer: Descriptor): Promise<ListOptions['aside']> {
    const { options, backend } = this.#context;
    if (options.overwriteLayers || !image.outputs.has('layers')) return undefined;
    if (this.#packs.size >= MOST_PACKS || this.#taken('files') >= MOST_FILES) return undefined;
    const known = await this.#knownFiles(image, layer);
    const isKept: PackRule =
      known === undefined
        ? () => true
        : (item, content) => !backend.mayShare(item.attributes) || !known.has(item, content);
    const place = (await this.#inRepository()) ?? (known === undefined ? undefined : this.#inSpool(layer));
    return place && { pack: new FilePack(place.contents, place), isKept };
  }

  /** What all packs together have that are open. */
  #taken(what: 'files' | 'sizeBytes'): number {
    return [...this.#packs.values()].reduce((sum, pack) => sum + (pack.isOpen ? pack[what] : 0), 0);
  }

  /** What the repository is likely to have of a layer; `undefined`: nothing. */
  async #knownFiles(
    image: ResolvedImage,
    { digest, sizeBytes }: Descriptor,
  ): Promise<KnownFiles | undefined> {
    const { listings, options } = this.#context;
    try {
      const likely = likeliestFirst(await this.#likely.of(image), layerDigests(image).indexOf(digest));
      const mostRecords = Math.min(MOST_RECORDS, sizeBytes / BYTES_PER_RECORD);
      const index = new FileIndex(listings);
      return await KnownFiles.of(likely, { index, sameContent: options.sameContent, mostRecords });
    } catch (error) {
      // What cannot be read is read again where it counts. Without a guess it only takes longer.
      if (!isSystemError(error) && !isFailure(error)) throw error;
      return undefined;
    }
  }

  async #inRepository(): Promise<Place | undefined> {
    const { backend, repository, notice } = this.#context;
    const contents = await backend.filesAside(repository, notice);
    if (contents === undefined) return undefined;
    const { bytes, inodes } = backend.room(repository);
    const files = this.#taken('files');
    return {
      contents,
      mostBytes: shareOf(bytes, this.#taken('sizeBytes')),
      mostFiles: Math.min(MOST_FILES - files, shareOf(inodes, files)),
    };
  }

  #inSpool({ sizeBytes }: Descriptor): Place | undefined {
    const { spool, budget } = this.#context;
    if ((spool.freeBytes ?? 0) < spool.lackingBytes(budget.layers) + 2 * sizeBytes) return undefined;
    try {
      const contents = new SpoolAside(spool.newPath());
      return { contents, mostBytes: sizeBytes, mostFiles: MOST_FILES_IN_SPOOL };
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return undefined;
    }
  }

  /** Keeps the pack of a layer whose blob was verified, and listed. */
  async keep(layer: Digest, pack: FilePack | undefined): Promise<void> {
    if (pack === undefined) return;
    if (!pack.isOpen || this.#packs.has(layer)) {
      await pack.close();
      return;
    }
    this.#packs.set(layer, pack);
    await this.#context.spool.whenLetGo(layer, async () => {
      this.#packs.delete(layer);
      await pack.close();
    });
  }
}

/** Where the files of a pack are written. */
interface Place extends PackLimits {
  readonly contents: FilesAside;
}

/** What packs may still take of a disk on which so much is `free`, and `taken` by them. */
function shareOf(free: number | undefined, taken: number): number {
  return free === undefined ? Infinity : (free + taken) * MOST_OF_FREE - taken;
}
