import type { Digest } from '../registry/digest.ts';
import { layerDigests, type Outputs, type ReadyImage } from '../image.ts';
import { recordPath } from '../layout.ts';
import { enabledOutputs } from '../outputs/outputs.ts';
import { isLayerRecorded, isRecorded } from '../published.ts';
import type { Publication } from '../repository/backend.ts';
import {
  displayPath,
  type Attributes,
  type BytePath,
  type Entry,
  type ExtendedAttributes,
} from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import type { AnyNode, TreeNode } from '../tree/node.ts';
import { nodeAt } from '../tree/resolve.ts';
import type { Stage, TreeLoader } from './image-trees.ts';
import { Names } from './names.ts';
import { Parents, conflict } from './parents.ts';
import { leftovers } from './reconcile.ts';
import type { UnitTree } from './unit.ts';
import { unitEntries } from './unit-entries.ts';
import { unitXattrs } from './xattrs.ts';

export interface ComposerOptions {
  readonly outputs: Outputs;
  /** Make flat trees and chains again that are published. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  /** Of metadata and folders: owner of the repository and time of the publication. The mode is not used. */
  readonly attributes: Attributes;
}

/** One image of the batch, and which of its trees it brings. */
interface Planned {
  readonly image: ReadyImage;
  readonly units: ReadonlySet<string>;
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
  readonly #planned: Planned[] = [];
  readonly #units = new Map<string, BroughtUnit>();
  readonly #deletions: BytePath[] = [];
  readonly #xattrs: ExtendedAttributes[] = [];
  #contentBytes = 0;

  constructor(view: RepositoryView, loader: TreeLoader, options: ComposerOptions) {
    this.#view = view;
    this.#loader = loader;
    this.#options = options;
    this.#names = new Names(options.attributes);
  }

  /** Layers that this batch brings. */
  get layers(): Digest[] {
    return [...this.#units.values()]
      .filter(({ unit }) => unit === 'layers')
      .map(({ hex }) => `sha256:${hex}` as const);
  }

  /**
   * Adds an image to the batch, and answers what its users should know. An image that fails leaves the batch as it was.
   *
   * @throws Failure `layer-refused`, `layer-corrupt`, `repository-conflict`: of this image
   */
  async add(image: ReadyImage): Promise<string[]> {
    const stages = await this.#loader.stagesOf(layerDigests(image));
    const fresh: UnitTree[] = [];
    const deletions: BytePath[] = [];
    for (const unit of await this.#unitsOf(image, stages)) {
      const isFirst =
        !this.#units.has(unitName(unit)) && !fresh.some((other) => unitName(other) === unitName(unit));
      if (!isFirst || (await this.#stays(unit))) continue;
      deletions.push(...(await this.#leftovers(unit)));
      fresh.push(unit);
    }
    const kind = await this.#view.kindOf(image.publicName);
    if (kind === 'directory') throw conflict(image.publicName, kind);
    await this.#names.add(image, this.#options.outputs, this.#view);
    this.#deletions.push(...deletions);
    this.#take(image, fresh);
    return warnings(stages, fresh);
  }

  /** The publication of all images added. */
  async publication(): Promise<Publication> {
    const parents = new Parents(this.#view, this.#options.attributes);
    const folders: Entry[] = [];
    for (const { path } of this.#units.values()) folders.push(...(await parents.missingAbove(path)));
    for (const { folders: brought } of this.#units.values()) parents.provide(brought);
    const records = [...this.#units.values()].map(({ unit, hex }) => recordPath(unit, hex));
    const names: Entry[] = [];
    for (const entry of this.#names.entries(records))
      names.push(...(await parents.missingAbove(entry.path)), entry);
    return {
      deletions: this.#deletions,
      trees: () => this.#trees(folders),
      names,
      xattrs: this.#xattrs,
      contentBytes: this.#contentBytes,
    };
  }

  async *#trees(folders: readonly Entry[]): AsyncGenerator<Entry> {
    yield* folders;
    for (const { image, units } of this.#planned) {
      if (units.size === 0) continue;
      const stages = await this.#loader.stagesOf(layerDigests(image));
      for (const unit of await this.#unitsOf(image, stages)) {
        if (units.has(unitName(unit))) yield* unitEntries(unit, sourcesOf(image, unit, stages));
      }
    }
  }

  async #unitsOf(image: ReadyImage, stages: readonly Stage[]): Promise<UnitTree[]> {
    const { outputs, attributes } = this.#options;
    const linked = outputs.layers || (await this.#allRecorded(layerDigests(image)));
    return enabledOutputs(outputs).flatMap((output) => output({ image, stages, linked, attributes }));
  }

  async #allRecorded(layers: readonly Digest[]): Promise<boolean> {
    for (const layer of layers) if (!(await isLayerRecorded(this.#view, layer))) return false;
    return true;
  }

  async #stays(unit: UnitTree): Promise<boolean> {
    const again = unit.unit === 'layers' ? this.#options.overwriteLayers : this.#options.convertAgain;
    return !again && (await isRecorded(this.#view, unit.unit, unit.hex, unit.root));
  }

  async #leftovers(unit: UnitTree): Promise<BytePath[]> {
    for (const path of new Set([unit.path, unit.root])) {
      const kind = await this.#view.kindOf(path);
      if (kind !== undefined && kind !== 'directory') throw conflict(path, kind);
    }
    return await leftovers(this.#view, unit);
  }

  #take(image: ReadyImage, fresh: readonly UnitTree[]): void {
    for (const unit of fresh) {
      const folders = unit.beside.filter(({ type }) => type === 'directory').map(({ path }) => path);
      this.#units.set(unitName(unit), { unit: unit.unit, hex: unit.hex, path: unit.path, folders });
      this.#xattrs.push(...unitXattrs(unit));
      if (unit.files !== 'linked') this.#contentBytes += contentBytes(unit.tree, new Set());
    }
    this.#planned.push({ image, units: new Set(fresh.map(unitName)) });
  }
}

/** What stays in memory of a unit, and the folders beside its tree. */
type BroughtUnit = Pick<UnitTree, 'unit' | 'hex' | 'path'> & { readonly folders: readonly BytePath[] };

function unitName({ unit, hex }: Pick<UnitTree, 'unit' | 'hex'>): string {
  return `${unit}/${hex}`;
}

function sourcesOf(image: ReadyImage, unit: UnitTree, stages: readonly Stage[]) {
  const own = stages.find((stage) => stage.own.root === unit.tree);
  return {
    blobOf: (layer: Digest): string => {
      const blob = image.blobs.get(layer);
      if (blob === undefined) throw new Error(`the blob of ${layer} was not fetched`);
      return blob;
    },
    foreignNode: (path: BytePath) => (own === undefined ? undefined : nodeAt<TreeNode>(own.merged, path)),
  };
}

function contentBytes(node: AnyNode, seen: Set<AnyNode>): number {
  if (node.type === 'file' && !seen.has(node)) {
    seen.add(node);
    return node.sizeBytes;
  }
  if (node.type !== 'directory') return 0;
  let total = 0;
  for (const child of node.children.values()) total += contentBytes(child, seen);
  return total;
}

function warnings(stages: readonly Stage[], fresh: readonly UnitTree[]): string[] {
  const brought = stages.filter(({ own }) => fresh.some(({ tree }) => tree === own.root));
  return brought.flatMap(({ own }) =>
    own.dropped.map((path) => `${displayPath(path)} is left out: CernVM-FS would act on it`),
  );
}
