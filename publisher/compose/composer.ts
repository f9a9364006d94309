import type { Failure } from '../../wishlist/failure.ts';
import { hexOf, type Digest } from '../registry/digest.ts';
import { layerDigests, type ReadyImage } from '../image.ts';
import { recordPath } from '../layout.ts';
import { enabledOutputs } from '../outputs/outputs.ts';
import { wrongDiffId } from '../layer/listing.ts';
import { asFailure } from '../own-failure.ts';
import { publicLinks } from '../public-links.ts';
import { isLayerRecorded, isOfNow, isRecorded } from '../published.ts';
import type { Publication } from '../repository/backend.ts';
import { NOTHING_NEEDED, sumOf, type Demand } from '../repository/demand.ts';
import type { Attributes, BytePath, Entry, ExtendedAttributes } from '../repository/entry.ts';
import type { Holding } from '../repository/holding.ts';
import type { RepositoryView } from '../repository/view.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import { demandOf, fileDemand } from './demand.ts';
import type { Stage, TreeLoader } from './image-trees.ts';
import { LinkableFiles, type Unlinkable } from './linkable-files.ts';
import { Names, nameEntries } from './names.ts';
import { Parents } from './parents.ts';
import { PodmanStores } from './podman-stores.ts';
import { held, lossesOf, type Brought, type LossPolicy } from './losses.ts';
import { leftovers, refuseConflict } from './reconcile.ts';
import type { UnitTree } from './unit.ts';
import { unitEntries, type UnitSources } from './unit-entries.ts';
import { unitXattrs } from './xattrs.ts';

export interface ComposerOptions {
  /** Make flat trees and chains again that are published. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  /** Of metadata and folders: owner of the repository and time of the publication. The mode is not used. */
  readonly attributes: Attributes;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  readonly holding: Holding;
  /** What becomes of images of which the repository cannot hold everything. */
  readonly unkept: LossPolicy;
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
  readonly #parents: Parents;
  readonly #linkable: LinkableFiles;
  readonly #planned: Planned[] = [];
  readonly #units = new Map<string, KeptUnit>();
  readonly #deletions: BytePath[] = [];
  /** Records of trees that stay, and are as they would be made now. */
  readonly #renewed = new Set<BytePath>();
  readonly #xattrs: ExtendedAttributes[] = [];
  #demand = NOTHING_NEEDED;

  constructor(view: RepositoryView, loader: TreeLoader, options: ComposerOptions) {
    this.#view = view;
    this.#loader = loader;
    this.#options = options;
    this.#names = new Names(options.attributes);
    this.#stores = new PodmanStores({ view, ...options }, options.convertAgain);
    this.#parents = new Parents(view, options.attributes);
    this.#linkable = new LinkableFiles(view);
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
   * @throws Failure `layer-refused`, `layer-corrupt`, `digest-mismatch`, `image-incomplete`, `repository-conflict`: of this
   *   image
   */
  async add(image: ReadyImage): Promise<string[]> {
    const stages = await this.#loader.stagesOf(layerDigests(image));
    checkDiffIds(image, stages);
    const { fresh, deletions, renewed } = await this.#changesOf(await this.#unitsOf(image, stages));
    const losses = this.#lossesOf(image, { stages, units: fresh });
    const plans = await this.#planUnits(fresh);
    const links = image.outputs.flat ? await publicLinks(this.#view, image) : [];
    for (const entry of nameEntries(image, links)) await this.#refuseConflict(entry);
    const brought = fresh.map((unit) => this.#brought(unit));
    const ofStore = await this.#stores.forImage(image, stages);
    await this.#names.add(image, links, this.#view);
    // From here on nothing fails any more.
    this.#stores.add(image, ofStore);
    for (const path of deletions) this.#deletions.push(path);
    for (const path of renewed) this.#renewed.add(path);
    for (const one of brought) this.#take(one);
    for (const { sizeBytes, paths } of plans.values()) this.#need({ bytes: sizeBytes, inodes: paths.size });
    this.#planned.push({ image, units: plans });
    return [...losses, ...ofStore.warnings];
  }

  /** What becomes of the trees of an image: those that are new, what must go for them, and records of those that stay. */
  async #changesOf(
    units: readonly UnitTree[],
  ): Promise<{ fresh: UnitTree[]; deletions: BytePath[]; renewed: BytePath[] }> {
    const fresh = new Map<string, UnitTree>();
    const deletions: BytePath[] = [];
    const renewed: BytePath[] = [];
    for (const unit of units) {
      const name = unitName(unit);
      if (this.#units.has(name) || fresh.has(name)) continue;
      if (await this.#stays(unit)) {
        if (await this.#isRenewed(unit)) renewed.push(recordPath(unit.unit, unit.hex));
        continue;
      }
      await this.#refuseConflicts(unit);
      for (const path of await leftovers(this.#view, unit, this.#options.holding)) deletions.push(path);
      fresh.set(name, unit);
    }
    return { fresh: [...fresh.values()], deletions, renewed };
  }

  /**
   * All images added.
   *
   * @throws Failure `repository-conflict`
   */
  async composition(): Promise<Composition> {
    const stores = await this.#stores.changes(async (entry) => await this.#refuseConflict(entry));
    let ofStores = NOTHING_NEEDED;
    for (const entry of stores.trees()) ofStores = sumOf(ofStores, fileDemand([entry]));
    const parents = new Parents(this.#view, this.#options.attributes);
    const folders: Entry[] = [];
    for (const { path } of this.#units.values()) folders.push(...(await parents.missingAbove(path)));
    for (const { folders: brought } of this.#units.values()) parents.provide(brought);
    const records = new Set(this.#renewed);
    for (const { unit, hex } of this.#units.values()) records.add(recordPath(unit, hex));
    for (const folder of stores.folders) folders.push(...(await parents.missingAbove(`${folder}/`)));
    const names = await parents.complete(await this.#names.entries([...records], stores.names, this.#view));
    const { bytes: contentBytes, inodes } = sumOf(this.#demand, sumOf(ofStores, fileDemand(names)));
    const publication = {
      deletions: this.#deletions,
      outdated: stores.outdated,
      trees: () => this.#trees(folders, stores.trees),
      names,
      xattrs: this.#xattrs,
      contentBytes,
      inodes,
    };
    return { publication, warnings: stores.warnings, withoutPodman: stores.leftOut };
  }

  /** Of what was published before, its users know already. */
  #lossesOf({ outputs }: ReadyImage, brought: Pick<Brought, 'stages' | 'units'>): string[] {
    if (brought.units.length === 0) return [];
    const { holding, unkept } = this.#options;
    return lossesOf({ ...brought, hasLayers: outputs.layers }, holding, unkept);
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
    const { holding } = this.#options;
    if (units.size === 0) return;
    const stages = await this.#loader.stagesOf(layerDigests(image));
    const left = new Map(units);
    for (const unit of await this.#unitsOf(image, stages)) {
      const plan = left.get(unitName(unit));
      if (plan === undefined) continue;
      left.delete(unitName(unit));
      const entries = unitEntries(unit, { ...sourcesOf(image, stages), ...this.#published(plan) });
      yield* held(entries, holding);
    }
  }

  async #unitsOf(image: ReadyImage, stages: readonly Stage[]): Promise<UnitTree[]> {
    const { attributes } = this.#options;
    const { outputs } = image;
    const linked = outputs.layers || (await this.#allRecorded(layerDigests(image)));
    return enabledOutputs(outputs).flatMap((output) => output({ image, stages, linked, attributes }));
  }

  async #allRecorded(layers: readonly Digest[]): Promise<boolean> {
    for (const layer of layers) if (!(await isLayerRecorded(this.#view, layer))) return false;
    return true;
  }

  async #stays(unit: UnitTree): Promise<boolean> {
    const again = unit.unit === 'layers' ? this.#options.overwriteLayers : this.#options.convertAgain;
    return !again && (await isRecorded(this.#view, unit));
  }

  /** Whether the layer stays with a record that says less of it than what is known now. */
  async #isRenewed({ unit, hex }: UnitTree): Promise<boolean> {
    return unit === 'layers' && !(await isOfNow(this.#view, `sha256:${hex}`));
  }

  /** Beside the tree itself, which is looked through for what must go. */
  async #refuseConflicts({ unit, hex, path, root, beside }: UnitTree): Promise<void> {
    await this.#refuseConflict({ path: recordPath(unit, hex), type: 'file' });
    for (const folder of new Set([path, root]))
      await this.#refuseConflict({ path: folder, type: 'directory' });
    for (const entry of beside) await this.#refuseConflict(entry);
  }

  /** Also where something above it is no folder. */
  async #refuseConflict(entry: Pick<Entry, 'path' | 'type'>): Promise<void> {
    await this.#parents.missingAbove(entry.path);
    await refuseConflict(this.#view, entry);
  }

  /** Before the image is taken: a layer of an earlier image of the batch, or of its own, is new, and can be linked to. */
  async #planUnits(units: readonly UnitTree[]): Promise<Planned['units']> {
    const own = new Set(units.map(unitName));
    const isBrought = (layer: Digest): boolean => {
      const name = unitName({ unit: 'layers', hex: hexOf(layer) });
      return own.has(name) || this.#units.has(name);
    };
    const plans = new Map<string, Unlinkable>();
    for (const unit of units) {
      plans.set(unitName(unit), await this.#linkable.missingFrom(unit, isBrought));
    }
    return plans;
  }

  #published({ paths: unlinkable }: Unlinkable): Pick<UnitSources, 'unlinkable' | 'published'> {
    return { unlinkable, published: (path) => this.#view.contents(path) };
  }

  #brought(unit: UnitTree): BroughtUnit {
    return {
      unit: unit.unit,
      hex: unit.hex,
      path: unit.path,
      folders: unit.beside.filter(({ type }) => type === 'directory').map(({ path }) => path),
      xattrs: [...unitXattrs(unit, this.#options.holding)],
      demand: demandOf(unit),
    };
  }

  #need(demand: Demand): void {
    this.#demand = sumOf(this.#demand, demand);
  }

  #take({ xattrs, demand, ...unit }: BroughtUnit): void {
    this.#units.set(unitName(unit), unit);
    for (const one of xattrs) this.#xattrs.push(one);
    this.#need(demand);
  }
}

/** What stays in memory of a unit, and the folders beside its tree. */
type KeptUnit = Pick<UnitTree, 'unit' | 'hex' | 'path'> & {
  readonly folders: readonly BytePath[];
};

/** What a unit adds to the batch. */
interface BroughtUnit extends KeptUnit {
  readonly xattrs: readonly ExtendedAttributes[];
  readonly demand: Demand;
}

function unitName({ unit, hex }: Pick<UnitTree, 'unit' | 'hex'>): string {
  return `${unit}/${hex}`;
}

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
