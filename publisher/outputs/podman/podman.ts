import { asFailure, type Failure, isFailure } from '../../../core/failure.ts';
import { groupBy } from '../../../core/group-by.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { ReadyImage } from '../../image/image.ts';
import { metadataFile, type FileEntry } from '../../publication/entry.ts';
import type { StackedLayer } from '../../tree/image-trees.ts';
import {
  NOTHING_CHANGES,
  NOTHING_PLANNED,
  type Collector,
  type CollectorContext,
  type ImagePlan,
  type Output,
  type OutputChanges,
  type Refuse,
} from '../output.ts';
import { encodeRecord, type ImageRecord, type RefusedRecord } from './image-record.ts';
import { newImage } from './new-image.ts';
import { storeRoot, type StoreRoot } from './paths.ts';
import { imageRecordPath, isInStore, publishedImages } from './published-images.ts';
import type { PublishedImage } from './store.ts';
import { updateOf, type StoreUpdate } from './update.ts';

/** Image stores of podman, one for each platform, which consist of links to the layers. */
export const podmanOutput: Output = {
  name: 'podman',
  collect: (context) => new PodmanStores(context),
  isPublished: isInStore,
};

/** Collects the images of a batch, and computes the stores that hold them from all that is published. */
class PodmanStores implements Collector {
  readonly #context: CollectorContext;
  /** By public name; `undefined`: what was there before goes. */
  readonly #records = new Map<string, ImageRecord | RefusedRecord | undefined>();
  readonly #documents = new Map<Digest, Buffer>();
  #published: Map<StoreRoot, PublishedImage[]> | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  async plan(image: ReadyImage, stack: readonly StackedLayer[]): Promise<ImagePlan> {
    const { publicName } = image;
    if (!image.outputs.has('podman')) {
      const isThere = (await this.#context.view.kindOf(imageRecordPath(publicName))) !== undefined;
      return isThere
        ? { ...NOTHING_PLANNED, take: () => this.#records.set(publicName, undefined) }
        : NOTHING_PLANNED;
    }
    const { record, documents } = newImage(
      image,
      stack.map(({ facts }) => facts),
    );
    return {
      ...NOTHING_PLANNED,
      warnings: 'refused' in record ? [`it is left out of the podman store: ${record.refused}`] : [],
      take: () => {
        this.#records.set(publicName, record);
        for (const [digest, bytes] of documents) this.#documents.set(digest, bytes);
      },
    };
  }

  /**
   * Whatever goes wrong with a store, its images are published in their other forms: those that it cannot take are left out
   * of it, all of them where it can take none.
   *
   * @throws Failure `interrupted`
   */
  async changes(refuse: Refuse): Promise<OutputChanges> {
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
      ...NOTHING_CHANGES,
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
    this.#published ??= groupBy(await publishedImages(this.#context.view), ({ publicName }) =>
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
      again: this.#context.convertAgain ? fresh : [],
      documents: this.#documents,
    };
    const update = await updateOf(change, this.#context);
    for (const folder of update.folders) await refuse({ path: folder, type: 'directory' });
    for (const entry of update.trees()) await refuse(entry);
    for (const entry of update.names) await refuse(entry);
    return update;
  }

  #recordFiles(names: readonly string[]): FileEntry[] {
    const { attributes } = this.#context;
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
