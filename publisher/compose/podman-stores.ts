import type { ReadyImage } from '../image.ts';
import type { Digest } from '../registry/digest.ts';
import { encodeRecord, type ImageRecord, type RefusedRecord } from '../podman-store/image-record.ts';
import { newImage } from '../podman-store/new-image.ts';
import { storeRoot, type StoreRoot } from '../podman-store/paths.ts';
import { imageRecordPath, publishedImages } from '../podman-store/published-images.ts';
import type { PublishedImage } from '../podman-store/store.ts';
import { updateOf, type StoreParts, type StoreUpdate } from '../podman-store/update.ts';
import { ownFile, type FileEntry } from '../repository/entry.ts';
import type { Stage } from './image-trees.ts';

/** What a batch changes in the podman stores of a repository, all of them together. */
export interface StoreChanges extends Omit<StoreUpdate, 'lost'> {
  /** What users should know. */
  readonly warnings: readonly string[];
}

/** What becomes of one image in its store. */
export interface ImageInStore {
  readonly isChanged: boolean;
  /** `undefined`: it is not to be there. */
  readonly record: ImageRecord | RefusedRecord | undefined;
  readonly documents: ReadonlyMap<Digest, Buffer>;
  /** What its users should know. */
  readonly warnings: readonly string[];
}

const NO_CHANGES: StoreChanges = { folders: [], trees: () => [], names: [], outdated: [], warnings: [] };

/** Collects the images of a batch, and computes the stores that hold them from all that is published. */
export class PodmanStores {
  readonly #parts: StoreParts;
  readonly #isAgain: boolean;
  /** By public name; `undefined`: what was there before goes. */
  readonly #records = new Map<string, ImageRecord | RefusedRecord | undefined>();
  readonly #documents = new Map<Digest, Buffer>();

  /** @param isAgain whether what the images have in a store is written again where it is there */
  constructor(parts: StoreParts, isAgain: boolean) {
    this.#parts = parts;
    this.#isAgain = isAgain;
  }

  /** What becomes of `image`. */
  async forImage(image: ReadyImage, stages: readonly Stage[]): Promise<ImageInStore> {
    if (!image.outputs.podman) {
      const isThere = (await this.#parts.view.kindOf(imageRecordPath(image.publicName))) !== undefined;
      return { isChanged: isThere, record: undefined, documents: new Map(), warnings: [] };
    }
    const diffSizes = stages.map(({ diffSizeBytes }) => diffSizeBytes);
    const { record, documents } = newImage(image, diffSizes);
    const warnings = 'refused' in record ? [`it is left out of the podman store: ${record.refused}`] : [];
    return { isChanged: true, record, documents, warnings };
  }

  /** Adds an image, or sees to it that the one that it takes the place of goes. */
  add({ publicName }: ReadyImage, { isChanged, record, documents }: ImageInStore): void {
    if (isChanged) this.#records.set(publicName, record);
    for (const [digest, bytes] of documents) this.#documents.set(digest, bytes);
  }

  async changes(): Promise<StoreChanges> {
    if (this.#records.size === 0) return NO_CHANGES;
    const updates = await this.#updates();
    const lost = updates.flatMap((update) => update.lost);
    const withdrawn = [...this.#records].filter(([, record]) => record === undefined).map(([name]) => name);
    return {
      folders: updates.flatMap(({ folders }) => folders),
      trees: function* () {
        for (const { trees } of updates) yield* trees();
      },
      names: [...this.#recordFiles(), ...updates.flatMap(({ names }) => names)],
      outdated: [
        // Without its record, an image of which something is lost counts as outdated, and is published again.
        ...[...withdrawn, ...lost.map(({ publicName }) => publicName)].map(imageRecordPath),
        ...updates.flatMap((update) => update.outdated),
      ],
      warnings: lost.map(lossOf),
    };
  }

  async #updates(): Promise<StoreUpdate[]> {
    const before = groupByStore(await publishedImages(this.#parts.view));
    const roots = new Set([...this.#records.keys()].map(storeRoot));
    const updates: StoreUpdate[] = [];
    for (const root of roots) {
      const published = before.get(root) ?? [];
      const fresh = this.#fresh(root);
      const change = {
        root,
        before: published,
        after: [...published.filter(({ publicName }) => !this.#records.has(publicName)), ...fresh],
        again: this.#isAgain ? fresh : [],
        documents: this.#documents,
      };
      updates.push(await updateOf(change, this.#parts));
    }
    return updates;
  }

  #fresh(root: StoreRoot): PublishedImage[] {
    return [...this.#records].flatMap(([publicName, record]) =>
      record === undefined || 'refused' in record || storeRoot(publicName) !== root
        ? []
        : [{ publicName, record }],
    );
  }

  #recordFiles(): FileEntry[] {
    const { attributes } = this.#parts;
    return [...this.#records].flatMap(([publicName, record]) =>
      record === undefined ? [] : [ownFile(imageRecordPath(publicName), encodeRecord(record), attributes)],
    );
  }
}

function groupByStore(images: readonly PublishedImage[]): Map<StoreRoot, PublishedImage[]> {
  const groups = new Map<StoreRoot, PublishedImage[]>();
  for (const image of images) {
    const root = storeRoot(image.publicName);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [image]);
    else group.push(image);
  }
  return groups;
}

function lossOf({ publicName }: PublishedImage): string {
  return `${publicName} is left out of the podman store, since something of it is lost: the next run that asks for it brings it back`;
}
