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
import {
  encodeRecord,
  type ImageRecord,
  type RefusedRecord,
  imageRecordPath,
  isInStore,
  publishedImages,
  isPodmanName,
  podmanName,
  type StoredDocument,
} from './image-record.ts';
import { storeRoot, type StoreRoot } from './paths.ts';
import type { PublishedImage } from './store.ts';
import { updateOf, type StoreUpdate } from './update.ts';
import type { LayerFacts } from '../../layer/listing.ts';
import type { Documents } from './documents.ts';
import { unreadableConfig, unreadableManifest } from './readable.ts';

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

  /** Changes to the store at `root` if it takes the images `names` of this batch. */
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
  /** Result for the images taken; `undefined`: none is. */
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

/** Failure of `work`; `undefined` on success. @throws Failure `interrupted` */
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

/** An image as it goes into a store. */
interface NewImage {
  readonly record: ImageRecord | RefusedRecord;
  readonly documents: Documents;
}

/** Converts `image` for a store. @param layers its own, lowest first */
function newImage(image: ReadyImage, layers: readonly LayerFacts[]): NewImage {
  const refused = refusalOf(image);
  if (refused === undefined) return acceptedImage(image, layers);
  const { config, manifest } = image;
  return {
    record: { config: documentOf(manifest.config.digest, config.bytes), refused },
    documents: new Map(),
  };
}

/** Why podman could not use `image`; `undefined`: it can. */
function refusalOf({ reference, manifest, config }: ReadyImage): string | undefined {
  const name = podmanName(reference);
  if (!isPodmanName(name)) return `podman cannot read the name ${name}`;
  if (manifest.skipped.length > 0) return 'some of its layers are left out';
  const { index } = manifest;
  const reasons: [string, string | undefined][] = [
    ['config', unreadableConfig(config.bytes)],
    ['manifest', unreadableManifest(manifest.bytes)],
    ['index', index === undefined ? undefined : unreadableManifest(index.bytes)],
  ];
  const found = reasons.find(([, reason]) => reason !== undefined);
  return found && `podman cannot read its ${found[0]}: ${found[1] ?? ''}`;
}

function acceptedImage({ reference, manifest, config }: ReadyImage, layers: readonly LayerFacts[]): NewImage {
  const { index } = manifest;
  const record: ImageRecord = {
    name: podmanName(reference),
    config: documentOf(manifest.config.digest, config.bytes),
    manifest: documentOf(manifest.digest, manifest.bytes),
    index: index && documentOf(index.digest, index.bytes),
    created: timeOf(config.created),
    layers: manifest.layers.map(({ digest }, place) => {
      const facts = layers[place];
      if (facts === undefined) throw new Error('each layer is listed');
      const { diffId, sizeBytes: diffSize, blobBytes: size, compression } = facts;
      return { digest, size, diffId, diffSize, compression };
    }),
  };
  const documents = new Map([
    [manifest.config.digest, config.bytes],
    [manifest.digest, manifest.bytes],
  ]);
  if (index !== undefined) documents.set(index.digest, index.bytes);
  return { record, documents };
}

/** The digest was verified when the document was read. */
function documentOf(digest: Digest, bytes: Buffer): StoredDocument {
  return { digest, size: bytes.length };
}

const EPOCH = '1970-01-01T00:00:00.000Z';

/** In the one form that every reader takes; a time that is none, or of another era, is the beginning of time. */
function timeOf(created: string | undefined): string {
  const milliseconds = Date.parse(created ?? EPOCH);
  const text = Number.isNaN(milliseconds) ? EPOCH : new Date(milliseconds).toISOString();
  return text.length === EPOCH.length ? text : EPOCH;
}
