import { ImageMeter, type ImageLimits } from '../image/image-limits.ts';
import { givingTurns, inTurns } from '../../core/turns.ts';
import { asFailure, type Failure } from '../../core/failure.ts';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { recordPath } from '../image/layout.ts';
import { enabledOutputs } from '../outputs/outputs.ts';
import { wrongDiffId } from '../layer/listing.ts';
import { publicLinks } from '../image/public-links.ts';
import { isLayerRecorded } from '../published/published.ts';
import type { Publication } from '../publication/backend.ts';
import { NOTHING_NEEDED, sumOf, type Demand } from '../../core/system/free-space.ts';
import type { Attributes, Entry, ExtendedAttributes } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import { fileDemand, LinkCounts, survey, type Survey } from './survey.ts';
import type { Stage, TreeLoader } from '../tree/image-trees.ts';
import { LinkableFiles, type Unlinkable } from './linkable-files.ts';
import { Names, nameEntries } from './names.ts';
import { Parents } from './parents.ts';
import { PodmanStores } from './podman-stores.ts';
import { held, lossesOf, type LossPolicy } from './losses.ts';
import { UnitChanges, type ChangeOptions } from './unit-changes.ts';
import { unitName, type UnitTree } from '../outputs/unit.ts';
import { unitEntries, type UnitSources } from './unit-entries.ts';
import { KeptXattrs, unitXattrs } from './xattrs.ts';

export interface ComposerOptions extends ChangeOptions {
  /** Of metadata and folders: owner of the repository and time of the publication. The mode is not used. */
  readonly attributes: Attributes;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  /** What one image may demand. */
  readonly limits: ImageLimits;
  /** What becomes of images of which the repository cannot hold everything. */
  readonly onLoss: LossPolicy;
}

/** What a batch comes to. */
export interface Composition {
  readonly publication: Publication;
  /** What users should know, beside what is said of single images. */
  readonly warnings: readonly string[];
  /** Images, by their public names, that are published without this form, and why. */
  readonly withoutPodman: ReadonlyMap<string, Failure>;
}

/** One image of the batch, and what is known of each of its trees that it brings, by their names. */
interface Planned {
  readonly image: ReadyImage;
  readonly units: ReadonlyMap<string, Unlinkable>;
  readonly hasXattrs: boolean;
}

/**
 * Composes the publication of a batch of images. Each image is planned by itself, with everything that can fail; what
 * is composed afterwards is the same again as a stream, with one image's trees in memory at a time.
 */
export class Composer {
  readonly #view: RepositoryView;
  readonly #loader: TreeLoader;
  readonly #options: ComposerOptions;
  readonly #names: Names;
  readonly #stores: PodmanStores;
  readonly #changes: UnitChanges;
  readonly #linkable: LinkableFiles;
  readonly #planned: Planned[] = [];
  readonly #units = new Map<string, KeptUnit>();
  readonly #deletions: BytePath[] = [];
  /** Records of trees that stay, and are as they would be made now. */
  readonly #renewed = new Set<BytePath>();
  readonly #xattrs: KeptXattrs;
  #demand = NOTHING_NEEDED;

  constructor(view: RepositoryView, loader: TreeLoader, options: ComposerOptions) {
    this.#view = view;
    this.#loader = loader;
    this.#options = options;
    this.#names = new Names(options.attributes);
    this.#stores = new PodmanStores({ view, ...options }, options.convertAgain);
    this.#changes = new UnitChanges(view, new Parents(view, options.attributes), options);
    this.#linkable = new LinkableFiles(view);
    this.#xattrs = new KeptXattrs(options.capabilities);
  }

  /** Layers that this batch brings. */
  get layers(): Digest[] {
    return [...this.#units.values()]
      .filter(({ unit }) => unit === 'layers')
      .map(({ hex }) => `sha256:${hex}` as const);
  }

  /** What the images that were added bring. */
  get demand(): Demand {
    return this.#demand;
  }

  /**
   * Adds an image to the batch, and answers what its users should know. An image that fails leaves the batch as it was.
   *
   * @throws Failure `layer-refused`, `layer-corrupt`, `digest-mismatch`, `image-too-large`, `image-incomplete`,
   *   `repository-conflict`: of this image
   */
  async add(image: ReadyImage): Promise<string[]> {
    const meter = new ImageMeter(this.#options.limits);
    const stages = await this.#loader.stagesOf(layerDigests(image), meter);
    checkDiffIds(image, stages);
    const all = await this.#unitsOf(image, stages, meter);
    const { fresh, deletions, renewed } = await this.#changes.of(all, (name) => this.#units.has(name));
    const made = { stages, units: fresh, meter };
    const brought = await this.#survey(made);
    const losses = await this.#lossesOf(image, made);
    const plans = await this.#planUnits(made);
    const links = image.outputs.has('flat') ? await publicLinks(this.#view, image) : [];
    for (const entry of nameEntries(image, links)) await this.#changes.refuseConflict(entry);
    const ofStore = await this.#stores.forImage(image, stages);
    await this.#names.add(image, links, this.#view);
    // From here on nothing fails any more.
    this.#stores.add(image, ofStore);
    for (const path of deletions) this.#deletions.push(path);
    for (const path of renewed) this.#renewed.add(path);
    for (const one of brought) this.#take(one);
    for (const { sizeBytes, paths } of plans.values()) this.#need({ bytes: sizeBytes, inodes: paths.size });
    this.#planned.push({ image, units: plans, hasXattrs: brought.some(({ hasXattrs }) => hasXattrs) });
    return [...losses, ...ofStore.warnings];
  }

  /**
   * All images added.
   *
   * @throws Failure `repository-conflict`
   */
  async composition(): Promise<Composition> {
    const stores = await this.#stores.changes(async (entry) => await this.#changes.refuseConflict(entry));
    let ofStores = NOTHING_NEEDED;
    for (const entry of stores.trees()) ofStores = sumOf(ofStores, fileDemand([entry]));
    const parents = new Parents(this.#view, this.#options.attributes);
    const folders: Entry[] = [];
    for (const { path } of this.#units.values())
      for (const folder of await parents.missingAbove(path)) folders.push(folder);
    for (const { folders: brought } of this.#units.values()) parents.provide(brought);
    const records = new Set(this.#renewed);
    for (const { unit, hex } of this.#units.values()) records.add(recordPath(unit, hex));
    for (const path of stores.folders)
      for (const folder of await parents.missingAbove(`${path}/`)) folders.push(folder);
    const names = await parents.complete(await this.#names.entries([...records], stores.names, this.#view));
    const { bytes: contentBytes, inodes } = sumOf(this.#demand, sumOf(ofStores, fileDemand(names)));
    const publication = {
      deletions: this.#deletions,
      outdated: stores.outdated,
      trees: () => this.#trees(folders, stores.trees),
      names,
      xattrs: this.#planned.some(({ hasXattrs }) => hasXattrs) ? () => this.#xattrsOfAll() : undefined,
      contentBytes,
      inodes,
    };
    return { publication, warnings: stores.warnings, withoutPodman: stores.leftOut };
  }

  /** Of what was published before, its users know already. */
  async #lossesOf({ outputs }: ReadyImage, { stages, units, meter }: Made): Promise<string[]> {
    if (units.length === 0) return [];
    const { capabilities, onLoss } = this.#options;
    const brought = { stages, units, hasLayers: outputs.has('layers') };
    return await inTurns(lossesOf(brought, { capabilities, xattrs: this.#xattrs, meter }, onLoss));
  }

  async *#trees(folders: readonly Entry[], ofStores: () => Iterable<Entry>): AsyncGenerator<Entry> {
    try {
      yield* folders;
      for (const planned of this.#planned) yield* this.#treesOf(planned);
      yield* ofStores();
    } catch (error) {
      throw asFailure(error);
    }
  }

  async *#treesOf({ image, units }: Planned): AsyncGenerator<Entry> {
    const { capabilities } = this.#options;
    for await (const { unit, stages, plan } of this.#unitsAgain(image, units)) {
      const entries = unitEntries(unit, { ...sourcesOf(image, stages), ...this.#published(plan) });
      yield* held(entries, capabilities);
    }
  }

  /** Those of all images that have any: kept, they would be as many as their files. */
  async *#xattrsOfAll(): AsyncGenerator<ExtendedAttributes> {
    for (const { image, units } of this.#planned.filter(({ hasXattrs }) => hasXattrs)) {
      for await (const { unit } of this.#unitsAgain(image, units))
        yield* givingTurns(unitXattrs(unit, this.#xattrs));
    }
  }

  /** The units that the batch has of `image`, made again. */
  async *#unitsAgain(image: ReadyImage, plans: Planned['units']): AsyncGenerator<PlannedUnit> {
    if (plans.size === 0) return;
    const stages = await this.#loader.stagesOf(layerDigests(image));
    const left = new Map(plans);
    for (const unit of await this.#unitsOf(image, stages, new ImageMeter())) {
      const plan = left.get(unitName(unit));
      if (plan === undefined) continue;
      left.delete(unitName(unit));
      yield { unit, stages, plan };
    }
  }

  async #unitsOf(image: ReadyImage, stages: readonly Stage[], meter: ImageMeter): Promise<UnitTree[]> {
    const { attributes } = this.#options;
    const { outputs } = image;
    const linked = outputs.has('layers') || (await this.#allRecorded(layerDigests(image)));
    return enabledOutputs(outputs).flatMap((output) => output({ image, stages, linked, attributes, meter }));
  }

  async #allRecorded(layers: readonly Digest[]): Promise<boolean> {
    for (const layer of layers) if (!(await isLayerRecorded(this.#view, layer))) return false;
    return true;
  }

  /** Before the image is taken: a layer of an earlier image of the batch, or of its own, is new, and can be linked to. */
  async #planUnits({ units, meter }: Made): Promise<Planned['units']> {
    const own = new Set(units.map(unitName));
    const isBrought = (layer: Digest): boolean => {
      const name = unitName({ unit: 'layers', hex: hexOf(layer) });
      return own.has(name) || this.#units.has(name);
    };
    const plans = new Map<string, Unlinkable>();
    for (const unit of units) {
      plans.set(unitName(unit), await this.#linkable.missingFrom(unit, { isBrought, meter }));
    }
    return plans;
  }

  #published({ paths: unlinkable }: Unlinkable): Pick<UnitSources, 'unlinkable' | 'published'> {
    return { unlinkable, published: (path) => this.#view.contents(path) };
  }

  async #survey({ units, meter }: Made): Promise<BroughtUnit[]> {
    const links = new LinkCounts(this.#options.capabilities);
    const all: BroughtUnit[] = [];
    for (const unit of units) {
      const found = await inTurns(survey(unit, { xattrs: this.#xattrs, links, meter }));
      const folders = unit.beside.filter(({ type }) => type === 'directory').map(({ path }) => path);
      all.push({ unit: unit.unit, hex: unit.hex, path: unit.path, folders, ...found });
    }
    return all;
  }

  #need(demand: Demand): void {
    this.#demand = sumOf(this.#demand, demand);
  }

  #take({ unit, hex, path, folders, demand }: BroughtUnit): void {
    const kept = { unit, hex, path, folders };
    this.#units.set(unitName(kept), kept);
    this.#need(demand);
  }
}

/** What is made of an image that is planned. */
interface Made {
  readonly stages: readonly Stage[];
  /** The trees that the repository lacks. */
  readonly units: readonly UnitTree[];
  readonly meter: ImageMeter;
}

/** A unit of an image that is planned. */
interface PlannedUnit {
  readonly unit: UnitTree;
  readonly stages: readonly Stage[];
  readonly plan: Unlinkable;
}

/** What stays in memory of a unit, and the folders beside its tree. */
type KeptUnit = Pick<UnitTree, 'unit' | 'hex' | 'path'> & {
  readonly folders: readonly BytePath[];
};

/** What a unit adds to the batch. */
type BroughtUnit = KeptUnit & Survey;

/** What is named by a config, or by the diff IDs in it, is made of these layers and no others. */
function checkDiffIds({ config }: ReadyImage, stages: readonly Stage[]): void {
  for (const [index, { layer, facts }] of stages.entries())
    if (config.diffIds[index] !== facts.diffId) throw wrongDiffId(layer, facts.diffId, config.diffIds[index]);
}

function sourcesOf(image: ReadyImage, stages: readonly Stage[]): Pick<UnitSources, 'blobOf' | 'treeOf'> {
  return {
    blobOf: (layer: Digest): string => {
      const blob = image.blobs.get(layer);
      if (blob === undefined) throw new Error(`the blob of ${layer} was not fetched`);
      return blob;
    },
    treeOf: (layer: Digest): LayerTree => {
      const stage = stages.find((one) => one.layer === layer);
      if (stage === undefined) throw new Error(`${layer} is no layer of the image`);
      return stage.own;
    },
  };
}
