import { asFailure, type Failure, isFailure } from '../../../core/failure.ts';
import { groupBy } from '../../../core/group-by.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import type { NamedImage, ReadyImage } from '../../image/image.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { metadataFile, type FileEntry } from '../../publication/entry.ts';
import type { StackedLayer } from '../../tree/image-trees.ts';
import {
  NOTHING_CHANGES,
  NOTHING_PLANNED,
  type Collector,
  type CollectorContext,
  type IdentifiedImage,
  type ImagePlan,
  type Output,
  type OutputChanges,
  type Refuse,
} from '../output.ts';
import { storedDocuments } from './documents.ts';
import {
  decodeRecord,
  encodeRecord,
  type ImageRecord,
  type RefusedRecord,
  imageRecordPath,
  isInStore,
  publishedImages,
  isPodmanName,
  pathOf,
  podmanName,
  PODMAN_FILE,
} from './image-record.ts';
import { marksOf } from './marks.ts';
import { storeRoot, type StoreRoot } from './paths.ts';
import type { PublishedImage } from './store.ts';
import type { StoreUpdate } from './update.ts';
import { unreadableConfig, unreadableManifest } from './readable.ts';

/** Image stores of podman, one for each platform, which consist of links to the layers. */
export const podmanOutput: Output = {
  name: 'podman',
  recordFile: PODMAN_FILE,
  isOfAll: true,
  parts: async (input) => {
    const { podmanParts } = await import('./parts.ts');
    return await podmanParts(input);
  },
  collect: (context) => new PodmanStores(context),
  isPublished: isInStore,
  hasTraces: isMeantForStore,
};

/** Without its record, the list tells: an image has its name there only while it is published in this form. */
async function isMeantForStore(
  view: RepositoryView,
  { publicName, reference, manifest }: IdentifiedImage,
): Promise<boolean> {
  if ((await view.kindOf(imageRecordPath(publicName))) !== undefined) return true;
  const root = storeRoot(publicName);
  if ((await view.kindOf(root)) === undefined) return false;
  const { publishedStore } = await import('./store-index.ts');
  const listed = (await publishedStore(view, root))?.images.get(hexOf(manifest.config.digest));
  return listed?.names.includes(podmanName(reference)) === true;
}

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
      return (await this.#hasRecord(publicName))
        ? { ...NOTHING_PLANNED, take: () => this.#records.set(publicName, undefined) }
        : NOTHING_PLANNED;
    }
    const record = recordOf(image, stack);
    if ('refused' in record) {
      return {
        ...NOTHING_PLANNED,
        warnings: [`it is left out of the podman store: ${record.refused}`],
        take: () => this.#records.set(publicName, record),
      };
    }
    return {
      ...NOTHING_PLANNED,
      take: () => {
        this.#records.set(publicName, record);
        const { manifest, config } = image;
        this.#documents.set(manifest.config.digest, config.bytes);
        for (const { digest, bytes } of [manifest, ...(manifest.index ? [manifest.index] : [])])
          this.#documents.set(digest, bytes);
      },
    };
  }

  async withdraw({ publicName }: NamedImage): Promise<() => void> {
    const isThere = await this.#hasRecord(publicName);
    return () => {
      if (isThere) this.#records.set(publicName, undefined);
    };
  }

  async restore({ publicName, manifest }: NamedImage, bytes?: Buffer): Promise<(() => void) | undefined> {
    const found = bytes && decodeRecord(bytes);
    if (found === undefined) return NOTHING_PLANNED.take;
    if ('refused' in found) return () => this.#records.set(publicName, found);
    if (found.manifest.digest !== manifest.digest) return undefined;
    const version = `@${manifest.digest}`;
    const isOfDigest = publicName.endsWith(version);
    const record = isOfDigest ? { ...found, name: `${pathOf(found.name)}${version}` } : found;
    const place = { view: this.#context.view, root: storeRoot(publicName) };
    const documents = await storedDocuments(record, place);
    if (documents === undefined) return undefined;
    return () => {
      this.#records.set(publicName, record);
      for (const [digest, document] of documents) this.#documents.set(digest, document);
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
      const filled = await fill(names, async (some) => await this.#update(root, some, refuse));
      for (const [name, failure] of filled.leftOut) leftOut.set(name, failure);
      if (filled.result !== undefined) updates.push(filled.result);
      for (const name of filled.taken) taken.push(name);
    }
    const lost = updates.flatMap((update) => update.lost);
    const gone = [
      ...taken.filter((name) => this.#records.get(name) === undefined),
      ...lost.map(({ publicName }) => publicName),
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
      referredTo: this.#marksOf(taken),
      leftOut,
    };
  }

  async #hasRecord(publicName: string): Promise<boolean> {
    return (await this.#context.view.kindOf(imageRecordPath(publicName))) !== undefined;
  }

  *#marksOf(names: readonly string[]): Generator<string> {
    for (const name of names) {
      const record = this.#records.get(name);
      if (record !== undefined && !('refused' in record)) yield* marksOf(name, record);
    }
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
    const { convertAgain, madeAgain } = this.#context;
    const change = {
      root,
      after: [...stay, ...fresh],
      again: convertAgain ? fresh : fresh.filter(({ publicName }) => madeAgain?.has(publicName) === true),
      documents: this.#documents,
    };
    const { updateOf } = await import('./update.ts');
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

/**
 * Puts as many images as possible into a store that may not take all.
 *
 * @param take returns the result for images together; throws where that cannot be
 * @returns the result for the images taken; `undefined`: none is
 */
async function fill<Result>(names: readonly string[], take: (names: readonly string[]) => Promise<Result>) {
  const taken: string[] = [];
  const leftOut = new Map<string, Failure>();
  let result: Result | undefined;
  /** Bounded: by the number of halves. */
  const add = async (some: readonly string[]): Promise<void> => {
    const failure = await failureOf(async () => {
      result = await take([...taken, ...some]);
      for (const name of some) taken.push(name);
    });
    if (failure === undefined) return;
    const ofNone = some === names ? await failureOf(async () => await take([])) : undefined;
    if (ofNone !== undefined || some.length === 1) {
      for (const name of some) leftOut.set(name, ofNone ?? failure);
      return;
    }
    const middle = Math.ceil(some.length / 2);
    for (const half of [some.slice(0, middle), some.slice(middle)]) await add(half);
  };
  await add(names);
  return { taken, leftOut, result };
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

function namelessnessOf({ publicName, record }: PublishedImage): string {
  return `${publicName} is left out of the podman store: another image that is published has the name ${record.name} there`;
}

function lossOf({ publicName }: PublishedImage): string {
  return `${publicName} is left out of the podman store, since something of it is lost: the next run that asks for it brings it back`;
}

/** The record of `image` for a store. @param stack its layers, lowest first */
function recordOf(image: ReadyImage, stack: readonly StackedLayer[]): ImageRecord | RefusedRecord {
  const { reference, manifest, config } = image;
  const { index } = manifest;
  const refused = refusalOf(image);
  // Digests were verified when the documents were read.
  const configDocument = { digest: manifest.config.digest, size: config.bytes.length };
  if (refused !== undefined) return { config: configDocument, refused };
  return {
    name: podmanName(reference),
    config: configDocument,
    manifest: { digest: manifest.digest, size: manifest.bytes.length },
    index: index && { digest: index.digest, size: index.bytes.length },
    created: timeOf(config.created),
    layers: stack.map(({ layer: digest, facts }) => {
      const { diffId, sizeBytes: diffSize, blobBytes: size, compression } = facts;
      return { digest, size, diffId, diffSize, compression };
    }),
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

const EPOCH = '1970-01-01T00:00:00.000Z';

/** In the one form that every reader takes; a time that is none, or of another era, is the beginning of time. */
function timeOf(created: string | undefined): string {
  const milliseconds = Date.parse(created ?? EPOCH);
  const text = Number.isNaN(milliseconds) ? EPOCH : new Date(milliseconds).toISOString();
  return text.length === EPOCH.length ? text : EPOCH;
}
