import type { Digest } from '../registry/digest.ts';
import type { BytePath } from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import type { AnyNode, LayerSource } from '../tree/node.ts';
import { publishedPath, type UnitTree } from './unit.ts';

/** What a unit brings of files that are published already. */
export interface Unlinkable {
  /** Where they are published. */
  readonly paths: ReadonlySet<BytePath>;
  /** Of all their names in the unit together. */
  readonly sizeBytes: number;
}

/** Knows which published files of layers can be linked to. Only large ones may be such that they cannot. */
export class LinkableFiles {
  readonly #view: RepositoryView;
  /** Chains and flat trees ask for the same files again. */
  readonly #known = new Map<BytePath, boolean>();

  constructor(view: RepositoryView) {
    this.#view = view;
  }

  /**
   * The published files that the unit needs and cannot link to.
   *
   * @param isBrought whether the same publication brings the layer: what it brings can be linked to
   */
  async missingFrom(unit: UnitTree, isBrought: (layer: Digest) => boolean): Promise<Unlinkable> {
    const paths = new Set<BytePath>();
    let sizeBytes = 0;
    if (unit.files === 'copied' || this.#view.linkableBytes === Number.POSITIVE_INFINITY)
      return { paths, sizeBytes };
    for (const file of largeFiles(unit.tree, this.#view.linkableBytes)) {
      const path = publishedPath(file.source);
      if (isBrought(file.source.layer) || (await this.#isLinkable(path))) continue;
      paths.add(path);
      sizeBytes += file.sizeBytes;
    }
    return { paths, sizeBytes };
  }

  async #isLinkable(path: BytePath): Promise<boolean> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const isLinkable = await this.#view.isLinkable(path);
    this.#known.set(path, isLinkable);
    return isLinkable;
  }
}

interface LargeFile {
  readonly source: LayerSource;
  readonly sizeBytes: number;
}

/** Files of layers that have at least so many bytes. */
function* largeFiles(node: AnyNode, bytes: number): Generator<LargeFile> {
  if (node.type === 'file') {
    const { source, sizeBytes } = node;
    if (sizeBytes >= bytes && source.kind === 'layer') yield { source, sizeBytes };
  }
  if (node.type !== 'directory') return;
  for (const child of node.children.values()) yield* largeFiles(child, bytes);
}
