import { Column, WORDS_32 } from '../../packed/column.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { takeTurns } from '../../../core/turns.ts';
import { layerRoot } from '../../image/layout.ts';
import type { RepositoryCapabilities } from '../../publication/capabilities.ts';
import { publisherAttributes } from '../../publication/entry.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { isLayerRecorded } from '../../published/published.ts';
import type { StackedLayer } from '../../tree/image-trees.ts';
import type { FileNode, LayerNode } from '../../tree/node.ts';
import { nodeAt } from '../../tree/resolve.ts';
import { joinPath } from '../../../core/system/byte-path.ts';
import type { FileIndex } from './file-index.ts';
import type { SameContent } from './file-records.ts';
import { LayerComparison } from './layer-comparison.ts';

/** The files of one layer that are published as links to the same files of other layers, at the same paths there. */
export class SharedFiles {
  readonly #owners: Digest[] = [];
  readonly #ownerOf = new Column(WORDS_32);
  #size = 0;

  /** The layer that has the file `ordinal` in the place of this one; `undefined`: it has its own. */
  ownerOf(ordinal: number): Digest | undefined {
    return this.#owners[this.#ownerOf.at(ordinal) - 1];
  }

  /** Files that other layers have. */
  get size(): number {
    return this.#size;
  }

  share(ordinal: number, owner: Digest): void {
    this.#size++;
    if (this.#owners.at(-1) !== owner) this.#owners.push(owner);
    this.#ownerOf.set(ordinal, this.#owners.length);
  }
}

export interface SharingParts {
  readonly view: RepositoryView;
  readonly capabilities: RepositoryCapabilities;
  readonly index: FileIndex;
  readonly sameContent: SameContent;
}

/** A layer whose files are looked for in other layers. */
export type NewLayer = Pick<StackedLayer, 'layer' | 'layerTree'>;

/** Layers to look in, the likeliest first. */
export interface Candidates {
  readonly published: readonly Digest[];
  /** Layers that come earlier in the same publication, with what they share themselves. */
  readonly brought: ReadonlyMap<Digest, SharedFiles>;
  readonly effort: Effort;
}

/** Records that may be compared for one image: strangers say how many layers it has, and how many files. */
export class Effort {
  #left: number;

  constructor(records = 5_000_000) {
    this.#left = records;
  }

  /** False where that is too much. */
  take(records: number): boolean {
    this.#left -= records;
    return this.#left >= 0;
  }
}

/** Finds files of new layers that the repository, or the publication, has already. */
export class FileSharing {
  readonly #parts: SharingParts;
  readonly #comparison: LayerComparison;
  readonly #areRecorded = new Map<Digest, boolean>();

  constructor(parts: SharingParts) {
    this.#parts = parts;
    this.#comparison = new LayerComparison(parts.index);
  }

  async of(layer: NewLayer, { published, brought, effort }: Candidates): Promise<SharedFiles> {
    const shared = new SharedFiles();
    const records = await this.#comparison.countOf(layer.layer);
    const pairs = [
      ...published.filter((other) => !brought.has(other)).map((other) => [other, undefined] as const),
      ...brought,
    ];
    for (const [other, sharedByOther] of pairs) {
      if (shared.size === records) break;
      if (other === layer.layer || (sharedByOther === undefined && !(await this.#isRecorded(other))))
        continue;
      if (!effort.take(records + (await this.#comparison.countOf(other)))) break;
      await this.#shareWith({ layer, other, shared, sharedByOther });
    }
    return shared;
  }

  async #shareWith({ layer, other, shared, sharedByOther }: Pair): Promise<void> {
    const { sameContent } = this.#parts;
    // Times are compared where the other one is published, and can be looked at.
    const rule = sharedByOther === undefined ? sameContent : 'exact';
    for (const [ordinal, otherOrdinal] of await this.#comparison.common(layer.layer, other, rule)) {
      await takeTurns();
      if (shared.ownerOf(ordinal) !== undefined) continue;
      const path = layer.layerTree.placeOf(ordinal);
      const node = path === undefined ? undefined : nodeAt<LayerNode>(layer.layerTree.root, path);
      if (path === undefined || node?.type !== 'file') continue;
      if (!this.#parts.capabilities.sharesFiles(node.attributes)) continue;
      if (sharedByOther !== undefined) shared.share(ordinal, sharedByOther.ownerOf(otherOrdinal) ?? other);
      else if (await this.#isLinkTarget(joinPath(layerRoot(other), path), node)) shared.share(ordinal, other);
    }
  }

  /** What somebody has changed since it was published is left alone, and a link that leads nowhere fails all of a publication. */
  async #isLinkTarget(path: string, { sizeBytes, attributes }: FileNode): Promise<boolean> {
    const { view, capabilities, sameContent } = this.#parts;
    const found = await view.inodeOf(path);
    if (found?.type !== 'file' || found.sizeBytes !== sizeBytes) return false;
    const { uid, gid } = capabilities.takesOwner(attributes) ? attributes : publisherAttributes();
    const { attributes: has } = found;
    if (has.mode !== attributes.mode || has.uid !== uid || has.gid !== gid) return false;
    // Parts of a second are not kept everywhere.
    const isSameTime = Math.floor(has.mtime) === Math.floor(attributes.mtime);
    if (!isSameTime && (sameContent === 'exact' || path.endsWith(TIMED))) return false;
    return sizeBytes < view.linkableBytes || (await view.isLinkable(path));
  }

  async #isRecorded(layer: Digest): Promise<boolean> {
    const known = this.#areRecorded.get(layer) ?? (await isLayerRecorded(this.#parts.view, layer));
    this.#areRecorded.set(layer, known);
    return known;
  }
}

interface Pair {
  readonly layer: NewLayer;
  readonly other: Digest;
  readonly shared: SharedFiles;
  /** Where the publication brings the other one. */
  readonly sharedByOther: SharedFiles | undefined;
}

/** Their compiled forms name their times: with another one Python compiles them each time that they are imported. */
const TIMED = '.py';
