import { asFailure, type Failure, isFailure } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import type { ReadyImage } from '../image/image.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { encodeRecord, type ImageRecord, type RefusedRecord } from '../outputs/podman/image-record.ts';
import { newImage } from '../outputs/podman/new-image.ts';
import { storeRoot, type StoreRoot } from '../outputs/podman/paths.ts';
import { imageRecordPath, publishedImages } from '../outputs/podman/published-images.ts';
import type { PublishedImage } from '../outputs/podman/store.ts';
import type { StoreParts } from '../outputs/podman/maker.ts';
import { updateOf, type StoreUpdate } from '../outputs/podman/update.ts';
import { metadataFile, type Entry, type FileEntry } from '../publication/entry.ts';
import type { Stage } from '../tree/image-trees.ts';

/** What a batch changes in the podman stores of a repository, all of them together. */
export interface StoreChanges extends Omit<StoreUpdate, 'lost' | 'nameless'> {
  /** What users should know. */
  readonly warnings: readonly string[];
  /** By public name, why a store cannot take an image now. What is published of it there stays as it is. */
  readonly leftOut: ReadonlyMap<string, Failure>;
}

/** Refuses what cannot be put in its place. @throws Failure `repository-conflict` */
export type Refuse = (entry: Pick<Entry, 'path' | 'type'>) => Promise<void>;

/** What becomes of one image in its store. */
export interface ImageInStore {
  readonly isChanged: boolean;
  /** `undefined`: it is not to be there. */
  readonly record: ImageRecord | RefusedRecord | undefined;
  readonly documents: ReadonlyMap<Digest, Buffer>;
  /** What its users should know. */
  readonly warnings: readonly string[];
}

/** Collects the images of a batch, and computes the stores that hold them from all that is published. */
export class PodmanStores {
  readonly #parts: StoreParts;
  readonly #isAgain: boolean;
  /** By public name; `undefined`: what was there before goes. */
  readonly #records = new Map<string, ImageRecord | RefusedRecord | undefined>();
  readonly #documents = new Map<Digest, Buffer>();
  #published: Map<StoreRoot, PublishedImage[]> | undefined;

  /** @param isAgain whether what the images have in a store is written again where it is there */
  constructor(parts: StoreParts, isAgain: boolean) {
    this.#parts = parts;
    this.#isAgain = isAgain;
  }

  /** What becomes of `image`. */
  async forImage(image: ReadyImage, stages: readonly Stage[]): Promise<ImageInStore> {
    if (!image.outputs.has('podman')) {
      const isThere = (await this.#parts.view.kindOf(imageRecordPath(image.publicName))) !== undefined;
      return { isChanged: isThere, record: undefined, documents: new Map(), warnings: [] };
    }
    const { record, documents } = newImage(
      image,
      stages.map(({ facts }) => facts),
    );
    const warnings = 'refused' in record ? [`it is left out of the podman store: ${record.refused}`] : [];
    return { isChanged: true, record, documents, warnings };
  }

  /** Adds an image, or sees to it that the one that it takes the place of goes. */
  add({ publicName }: ReadyImage, { isChanged, record, documents }: ImageInStore): void {
    if (isChanged) this.#records.set(publicName, record);
    for (const [digest, bytes] of documents) this.#documents.set(digest, bytes);
  }

  /**
   * Whatever goes wrong with a store, its images are published in their other forms: those that it cannot take are left out
   * of it, all of them where it can take none.
   *
   * @throws Failure `interrupted`
   */
  async changes(refuse: Refuse): Promise<StoreChanges> {
    const leftOut = new Map<string, Failure>();
    const updates: StoreUpdate[] = [];
    const taken: string[] = [];
    for (const [root, names] of groupBy(this.#records.keys(), storeRoot)) {
      const filling = new Filling<StoreUpdate>(async (some) => await this.#update(root, some, refuse));
      await filling.fill(names);
      for (const [name, failure] of filling.leftOut) leftOut.set(name, failure);
      if (filling.result !== undefined) updates.push(filling.result);
      for (const name of filling.taken) taken.push(name);
    }
    const lost = updates.flatMap((update) => update.lost);
    const gone = [
      ...taken.filter((name) => this.#records.get(name) === undefined),
      ...lost.map(publicNameOf),
    ];
    return {
      folders: updates.flatMap(({ folders }) => folders),
      trees: function* () {
        for (const { trees } of updates) yield* trees();
      },
      names: [...this.#recordFiles(taken), ...updates.flatMap(({ names }) => names)],
      // Without its record, an image of which something is lost counts as outdated, and is published again.
      outdated: [...gone.map(imageRecordPath), ...updates.flatMap((update) => update.outdated)],
      warnings: [
        ...lost.map(lossOf),
        ...updates
          .flatMap(({ nameless }) => nameless)
          .filter(({ publicName }) => taken.includes(publicName))
          .map(namelessnessOf),
      ],
      leftOut,
    };
  }

  /** What changes in the store at `root` where of this batch it takes the images with `names`. */
  async #update(root: StoreRoot, names: readonly string[], refuse: Refuse): Promise<StoreUpdate> {
    this.#published ??= groupBy(await publishedImages(this.#parts.view), ({ publicName }) =>
      storeRoot(publicName),
    );
    const changed = new Set(names);
    const stay = (this.#published.get(root) ?? []).filter(({ publicName }) => !changed.has(publicName));
    const fresh = names.flatMap((publicName) => {
      const record = this.#records.get(publicName);
      return record === undefined || 'refused' in record ? [] : [{ publicName, record }];
    });
    const change = {
      root,
      after: [...stay, ...fresh],
      again: this.#isAgain ? fresh : [],
      documents: this.#documents,
    };
    const update = await updateOf(change, this.#parts);
    for (const folder of update.folders) await refuse({ path: folder, type: 'directory' });
    for (const entry of update.trees()) await refuse(entry);
    for (const entry of update.names) await refuse(entry);
    return update;
  }

  #recordFiles(names: readonly string[]): FileEntry[] {
    const { attributes } = this.#parts;
    return names.flatMap((publicName) => {
      const record = this.#records.get(publicName);
      return record === undefined
        ? []
        : [metadataFile(imageRecordPath(publicName), encodeRecord(record), attributes)];
    });
  }
}

/** Puts as many images as possible into a store that may not take all. */
class Filling<Result> {
  readonly taken: string[] = [];
  readonly leftOut = new Map<string, Failure>();
  /** What comes of those that are taken; `undefined`: none is. */
  result: Result | undefined;
  readonly #take: (names: readonly string[]) => Promise<Result>;

  /** @param take what comes of images together; throws where that cannot be */
  constructor(take: (names: readonly string[]) => Promise<Result>) {
    this.#take = take;
  }

  async fill(names: readonly string[]): Promise<void> {
    const failure = await this.#try(names);
    if (failure === undefined) return;
    const ofNone = await failureOf(async () => await this.#take([]));
    if (ofNone === undefined) await this.#divide(names, failure);
    else for (const name of names) this.leftOut.set(name, ofNone);
  }

  async #try(names: readonly string[]): Promise<Failure | undefined> {
    return await failureOf(async () => {
      this.result = await this.#take([...this.taken, ...names]);
      for (const name of names) this.taken.push(name);
    });
  }

  /** Bounded: by the number of halves. */
  async #divide(names: readonly string[], failure: Failure): Promise<void> {
    const [first] = names;
    if (names.length === 1 && first !== undefined) {
      this.leftOut.set(first, failure);
      return;
    }
    const middle = Math.ceil(names.length / 2);
    for (const half of [names.slice(0, middle), names.slice(middle)]) {
      const ofHalf = await this.#try(half);
      if (ofHalf !== undefined) await this.#divide(half, ofHalf);
    }
  }
}

/** What `work` fails with, whatever it is; `undefined`: it went well. @throws Failure `interrupted` */
async function failureOf(work: () => Promise<unknown>): Promise<Failure | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isFailure(error, 'interrupted')) throw error;
    return asFailure(error);
  }
}

function publicNameOf({ publicName }: PublishedImage): string {
  return publicName;
}

function namelessnessOf({ publicName, record }: PublishedImage): string {
  return `${publicName} is left out of the podman store: another image that is published has the name ${record.name} there`;
}

function lossOf({ publicName }: PublishedImage): string {
  return `${publicName} is left out of the podman store, since something of it is lost: the next run that asks for it brings it back`;
}
