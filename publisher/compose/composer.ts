import { ImageMeter, type ImageLimits } from '../image/image-limits.ts';
import { inSlices, inTurns } from '../../core/turns.ts';
import { asFailure, type Failure } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { OutputName } from '../../core/outputs.ts';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { manifestPath, recordPath } from '../image/layout.ts';
import {
  layerOf,
  treeName,
  type Collector,
  type ImagePlan,
  type OutputChanges,
  type PublishedTree,
} from '../outputs/output.ts';
import { enabledOutputs, OUTPUTS } from '../outputs/outputs.ts';
import { referencesOf } from '../outputs/references.ts';
import { wrongDiffId } from '../layer/listing.ts';
import { unmarked } from '../published/marks.ts';
import { parsePublishedManifest } from '../published/published-manifest.ts';
import { byHandFile } from '../published/name-notes.ts';
import { isLayerRecorded, layerLocation, RECORD } from '../published/published.ts';
import type { Publication } from '../publication/backend.ts';
import { NOTHING_NEEDED, sumOf, type Demand } from '../../core/system/free-space.ts';
import {
  metadataFile,
  type Attributes,
  type DirectoryEntry,
  type Entry,
  type ExtendedAttributes,
  type FileEntry,
  type Slice,
} from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { FileIndex } from './sharing/file-index.ts';
import type { SameContent } from './sharing/file-records.ts';
import {
  fileDemand,
  LinkCounts,
  survey,
  type Survey,
  type SurveyTools,
  LinkableFiles,
  type Unlinkable,
} from './survey.ts';
import type { StackedLayer, TreeLoader } from '../tree/image-trees.ts';
import { BatchSharing } from './batch-sharing.ts';
import { checkBlobs, sourcesOf } from './image-sources.ts';
import { keptImage, type KeptImage } from './kept-image.ts';
import { MissingDirectories, TreeChanges, type ChangeOptions } from './tree-changes.ts';
import { held, lossesOf, type LossPolicy } from './losses.ts';
import { treeEntries } from './tree-entries.ts';
import { KeptXattrs, treeXattrs } from './xattrs.ts';

export interface ComposerOptions extends ChangeOptions {
  /** Of metadata and folders: owner of the repository and time of the publication. The mode is not used. */
  readonly attributes: Attributes;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  /** The most that one image may demand. */
  readonly limits: ImageLimits;
  /** Policy for images of which the repository cannot hold everything. */
  readonly onLoss: LossPolicy;
  /** Public names of images of which everything beside trees is written again. */
  readonly madeAgain?: ReadonlySet<string>;
  /** Knows which files of layers are the same. */
  readonly fileIndex: FileIndex;
  /** What makes two files the same. */
  readonly sameContent: SameContent;
}

/** An image that is published without one of its outputs. */
export interface LeftOut {
  readonly output: OutputName;
  readonly publicName: string;
  readonly reason: Failure;
}

/** The publication of a batch. */
export interface Composition {
  readonly publication: Publication;
  /** Warnings beyond those of single images. */
  readonly warnings: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** An image of the batch, with the trees that it brings, by their names. */
interface Planned {
  readonly image: ReadyImage;
  readonly trees: ReadonlyMap<string, Unlinkable>;
  readonly hasXattrs: boolean;
}

/**
 * Composes the publication of a batch of images. Each image is planned by itself, with everything that can fail; the
 * stream that is composed afterwards is the same again, with one image's trees in memory at a time.
 */
export class Composer {
  readonly #view: RepositoryView;
  readonly #loader: TreeLoader;
  readonly #options: ComposerOptions;
  readonly #collectors: ReadonlyMap<OutputName, Collector>;
  readonly #changes: TreeChanges;
  readonly #linkable: LinkableFiles;
  readonly #sharing: BatchSharing;
  readonly #planned: Planned[] = [];
  readonly #manifests: FileEntry[] = [];
  readonly #trees = new Map<string, BroughtTree>();
  readonly #deletions: BytePath[] = [];
  /** Records of trees that stay, and are as they would be made now. */
  readonly #renewed = new Set<BytePath>();
  readonly #directories: DirectoryEntry[] = [];
  /** By path, what is written again beside trees that stay. */
  readonly #beside = new Map<BytePath, Entry>();
  readonly #xattrs: KeptXattrs;
  #demand = NOTHING_NEEDED;

  constructor(view: RepositoryView, loader: TreeLoader, options: ComposerOptions) {
    this.#view = view;
    this.#loader = loader;
    this.#options = options;
    this.#collectors = new Map(
      OUTPUTS.flatMap((output) => {
        const collector = output.collect?.({ view, ...options });
        return collector === undefined ? [] : [[output.name, collector]];
      }),
    );
    this.#changes = new TreeChanges(view, new MissingDirectories(view, options.attributes), options);
    this.#linkable = new LinkableFiles(view);
    const { capabilities, fileIndex: index, sameContent } = options;
    this.#sharing = new BatchSharing({ view, capabilities, index, sameContent }, options);
    this.#xattrs = new KeptXattrs(options.capabilities);
  }

  /** Layers that this batch brings. */
  get layers(): Digest[] {
    return [...this.#trees.values()].flatMap((tree) => layerOf(tree) ?? []);
  }

  /** Space that the added images take. */
  get demand(): Demand {
    return this.#demand;
  }

  /**
   * Adds an image to the batch, and returns what its users should know. An image that fails leaves the batch as it was.
   *
   * @throws Failure `layer-refused`, `layer-corrupt`, `digest-mismatch`, `image-too-large`, `image-incomplete`,
   *   `repository-conflict`: of this image; `layer-vanished` where it has to be prepared again
   */
  async add(image: ReadyImage): Promise<string[]> {
    const meter = new ImageMeter(this.#options.limits);
    const stack = await this.#loader.loadStack(layerDigests(image), meter);
    checkDiffIds(image, stack);
    const all = await this.#treesOf(image, stack, meter);
    const { fresh, deletions, renewed, beside, directories } = await this.#changes.of(all, (name) =>
      this.#trees.has(name),
    );
    checkBlobs(image, fresh);
    const made = { stack, trees: fresh, meter };
    const shared = await this.#sharing.plan(image, stack, fresh);
    const brought = await this.#survey(made, shared);
    const losses = await this.#lossesOf(image, made);
    const unlinkable = await this.#unlinkableIn(made);
    const plans = await this.#planOutputs(image, stack);
    const kept = await this.#kept(image);
    // From here on nothing fails any more.
    for (const { take } of [...plans, kept]) take();
    this.#sharing.take(shared);
    for (const file of kept.files) this.#manifests.push(file);
    const { attributes } = this.#options;
    this.#manifests.push(metadataFile(manifestPath(image.publicName), image.manifest.bytes, attributes));
    if (image.isByHand === true) this.#manifests.push(byHandFile(image.publicName, attributes));
    for (const path of deletions) this.#deletions.push(path);
    for (const path of renewed) this.#renewed.add(path);
    for (const entry of directories) this.#directories.push(entry);
    for (const entry of beside) this.#beside.set(entry.path, entry);
    for (const tree of brought) {
      this.#trees.set(treeName(tree), tree);
      this.#demand = sumOf(this.#demand, tree.demand);
    }
    for (const { sizeBytes, paths } of unlinkable.values())
      this.#demand = sumOf(this.#demand, { bytes: sizeBytes, inodes: paths.size });
    this.#planned.push({ image, trees: unlinkable, hasXattrs: brought.some(({ hasXattrs }) => hasXattrs) });
    return [...losses, ...[...plans, kept].flatMap(({ warnings }) => warnings)];
  }

  /**
   * The publication of all images added.
   *
   * @throws Failure `repository-conflict`
   */
  async composition(): Promise<Composition> {
    const changes = new Map<OutputName, OutputChanges>();
    for (const [name, collector] of this.#collectors)
      changes.set(name, await collector.changes(async (entry) => await this.#changes.refuseConflict(entry)));
    const ofOutputs = [...changes.values()];
    let demand = this.#demand;
    for (const { trees } of ofOutputs)
      for (const entry of trees()) demand = sumOf(demand, fileDemand([entry]));
    const directories = new MissingDirectories(this.#view, this.#options.attributes);
    const folders = await this.#foldersOf(directories, ofOutputs);
    const marks = await unmarked(this.#view, this.#referredTo(ofOutputs), this.#options.attributes);
    const names = await directories.complete([
      ...(marks === undefined ? [] : [marks]),
      ...this.#namesOf(ofOutputs),
    ]);
    const { bytes: contentBytes, inodes } = sumOf(demand, fileDemand(names));
    const publication = {
      deletions: this.#deletions,
      outdated: ofOutputs.flatMap(({ outdated }) => outdated),
      trees: () => this.#stream(folders, ofOutputs),
      names,
      xattrs: this.#planned.some(({ hasXattrs }) => hasXattrs) ? () => this.#xattrsOfAll() : undefined,
      ...(this.#directories.length > 0 && { directories: this.#directories }),
      contentBytes,
      inodes,
    };
    const leftOut = [...changes].flatMap(([output, { leftOut: images }]) =>
      Array.from(images, ([publicName, reason]) => ({ output, publicName, reason })),
    );
    return { publication, warnings: ofOutputs.flatMap(({ warnings }) => warnings), leftOut };
  }

  async #kept(image: ReadyImage): Promise<KeptImage> {
    return await keptImage(image, {
      view: this.#view,
      attributes: this.#options.attributes,
      collectorOf: (output) => this.#collectors.get(output),
      refuse: async (entry) => await this.#changes.refuseConflict(entry),
    });
  }

  async #planOutputs(image: ReadyImage, stack: readonly StackedLayer[]): Promise<ImagePlan[]> {
    await this.#changes.refuseConflict({ path: manifestPath(image.publicName), type: 'file' });
    const plans: ImagePlan[] = [];
    for (const collector of this.#collectors.values()) {
      const plan = await collector.plan(image, stack);
      for (const entry of plan.entries) await this.#changes.refuseConflict(entry);
      plans.push(plan);
    }
    return plans;
  }

  /** Folders that trees need and do not bring. */
  async #foldersOf(directories: MissingDirectories, ofOutputs: readonly OutputChanges[]): Promise<Entry[]> {
    const folders: Entry[] = [];
    const needAbove = async (path: BytePath): Promise<void> => {
      for (const folder of await directories.above(path)) folders.push(folder);
    };
    for (const { path } of this.#trees.values()) await needAbove(path);
    for (const { folders: brought } of this.#trees.values()) directories.provide(brought);
    for (const path of ofOutputs.flatMap((changes) => changes.folders)) await needAbove(`${path}/`);
    return folders;
  }

  /** Everything that the images of the batch refer to, by the names that it is marked with where nothing does. */
  *#referredTo(ofOutputs: readonly OutputChanges[]): Generator<string> {
    for (const { image } of this.#planned) {
      const manifest = parsePublishedManifest(image.manifest.bytes);
      if (manifest !== undefined) yield* referencesOf(manifest).map(treeName);
    }
    for (const { referredTo = [] } of ofOutputs) yield* referredTo;
  }

  /** In the order in which they are published: public names last. */
  #namesOf(ofOutputs: readonly OutputChanges[]): Entry[] {
    const records = new Set(this.#renewed);
    for (const { kind, hex } of this.#trees.values()) records.add(recordPath(kind, hex));
    const { attributes } = this.#options;
    return [
      ...this.#beside.values(),
      ...ofOutputs.flatMap(({ metadata }) => metadata),
      ...Array.from(records, (path) => metadataFile(path, RECORD, attributes)),
      ...this.#manifests,
      ...ofOutputs.flatMap(({ names }) => names),
    ];
  }

  /** Users know already of losses in what was published before. */
  async #lossesOf({ outputs }: ReadyImage, { stack, trees, meter }: Made): Promise<string[]> {
    if (trees.length === 0) return [];
    const { capabilities, onLoss } = this.#options;
    const brought = { stack, trees, hasLayers: outputs.has('layers') };
    return await inTurns(lossesOf(brought, { capabilities, xattrs: this.#xattrs, meter }, onLoss));
  }

  async *#stream(folders: Slice, ofOutputs: readonly OutputChanges[]): AsyncGenerator<Slice> {
    try {
      yield folders;
      for (const planned of this.#planned) yield* this.#entriesOf(planned);
      for (const { trees } of ofOutputs) yield* inSlices(trees());
    } catch (error) {
      throw asFailure(error);
    }
  }

  async *#entriesOf({ image, trees }: Planned): AsyncGenerator<Slice> {
    const { capabilities } = this.#options;
    for await (const { tree, stack, unlinkable } of this.#treesAgain(image, trees)) {
      const published = (path: BytePath) => this.#view.contents(path);
      const { homeOf } = this.#sharing;
      const sources = { ...sourcesOf(image, stack), homeOf, unlinkable: unlinkable.paths, published };
      for await (const slice of treeEntries(tree, sources)) yield held(slice, capabilities);
    }
  }

  /** Attributes of all images that have any: kept, they would be as many as their files. */
  async *#xattrsOfAll(): AsyncGenerator<ExtendedAttributes> {
    for (const { image, trees } of this.#planned.filter(({ hasXattrs }) => hasXattrs)) {
      for await (const { tree } of this.#treesAgain(image, trees))
        for await (const slice of inSlices(treeXattrs(tree, this.#xattrs))) yield* slice;
    }
  }

  /** The trees that the batch has of `image`, made again. */
  async *#treesAgain(image: ReadyImage, trees: Planned['trees']) {
    if (trees.size === 0) return;
    const stack = await this.#loader.loadStack(layerDigests(image));
    const left = new Map(trees);
    for (const tree of await this.#treesOf(image, stack, new ImageMeter())) {
      const unlinkable = left.get(treeName(tree));
      if (unlinkable === undefined) continue;
      left.delete(treeName(tree));
      yield { tree, stack, unlinkable };
    }
  }

  async #treesOf(
    image: ReadyImage,
    stack: readonly StackedLayer[],
    meter: ImageMeter,
  ): Promise<PublishedTree[]> {
    const { attributes } = this.#options;
    const { outputs } = image;
    const linked = outputs.has('layers') || (await this.#allRecorded(layerDigests(image)));
    const input = { image, stack, linked, attributes, meter };
    return enabledOutputs(outputs).flatMap((output) => output.trees?.(input) ?? []);
  }

  async #allRecorded(layers: readonly Digest[]): Promise<boolean> {
    for (const layer of layers) if (!(await isLayerRecorded(this.#view, layer))) return false;
    return true;
  }

  /** Before the image is taken: a layer of an earlier image of the batch, or of its own, is new, and can be linked to. */
  async #unlinkableIn({ trees, meter }: Made): Promise<Planned['trees']> {
    const own = new Set(trees.map(treeName));
    const isBrought = (layer: Digest): boolean => {
      const name = treeName(layerLocation(layer));
      return own.has(name) || this.#trees.has(name);
    };
    const unlinkable = new Map<string, Unlinkable>();
    for (const tree of trees)
      unlinkable.set(treeName(tree), await this.#linkable.missingFrom(tree, isBrought, meter));
    return unlinkable;
  }

  async #survey({ trees, meter }: Made, shared: SurveyTools['shared']): Promise<BroughtTree[]> {
    const links = new LinkCounts(this.#options.capabilities);
    const all: BroughtTree[] = [];
    for (const tree of trees) {
      const found = await inTurns(survey(tree, { xattrs: this.#xattrs, links, meter, shared }));
      const folders = tree.metadata.filter(({ type }) => type === 'directory').map(({ path }) => path);
      all.push({ kind: tree.kind, hex: tree.hex, path: tree.path, folders, ...found });
    }
    return all;
  }
}

interface Made {
  readonly stack: readonly StackedLayer[];
  /** The trees that the repository lacks. */
  readonly trees: readonly PublishedTree[];
  readonly meter: ImageMeter;
}

/** The part of a tree that stays in memory. */
interface BroughtTree extends Pick<PublishedTree, 'kind' | 'hex' | 'path'>, Survey {
  /** Folders beside it. */
  readonly folders: readonly BytePath[];
}

/** A tree named by a config, or by its diff IDs, must be made of these layers and no others. */
function checkDiffIds({ config }: ReadyImage, stack: readonly StackedLayer[]): void {
  for (const [index, { layer, facts }] of stack.entries())
    if (config.diffIds[index] !== facts.diffId) throw wrongDiffId(layer, facts.diffId, config.diffIds[index]);
}
