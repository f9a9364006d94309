import type { Digest } from '../registry/digest.ts';
import type { BytePath } from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import type { AnyNode, TreeNode } from '../tree/node.ts';
import { joinPath, type LayerSource } from '../tree/node.ts';
import { publishedPath, type UnitTree } from './unit.ts';

export interface LinkQuestion {
  /** What a hard link to a lower layer is, by its path in the image. */
  readonly foreignNode: (path: BytePath) => TreeNode | undefined;
  /** Whether the same publication brings the layer: what it brings can be linked to. */
  readonly isBrought: (layer: Digest) => boolean;
}

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

  /** The published files that the unit needs and cannot link to. */
  async missingFrom(unit: UnitTree, question: LinkQuestion): Promise<Unlinkable> {
    const paths = new Set<BytePath>();
    let sizeBytes = 0;
    if (unit.files === 'copied' || this.#view.linkableBytes === Number.POSITIVE_INFINITY)
      return { paths, sizeBytes };
    const search = { foreignNode: question.foreignNode, bytes: this.#view.linkableBytes };
    for (const file of largeFiles(unit.tree, '', search)) {
      const path = publishedPath(file.source);
      if (question.isBrought(file.source.layer) || (await this.#isLinkable(path))) continue;
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

interface Search {
  readonly foreignNode: LinkQuestion['foreignNode'];
  /** Smaller files are passed over. */
  readonly bytes: number;
}

interface LargeFile {
  readonly source: LayerSource;
  readonly sizeBytes: number;
}

function* largeFiles(node: AnyNode, path: BytePath, search: Search): Generator<LargeFile> {
  const found = node.type === 'foreign-link' ? search.foreignNode(path) : node;
  if (found?.type === 'file') {
    const { source, sizeBytes } = found;
    if (sizeBytes >= search.bytes && source.kind === 'layer') yield { source, sizeBytes };
  }
  if (found?.type !== 'directory') return;
  for (const [name, child] of found.children) yield* largeFiles(child, joinPath(path, name), search);
}
