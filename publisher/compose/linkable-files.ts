import type { Digest } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { ImageMeter } from '../image/image-limits.ts';
import { walkAny } from '../tree/walk.ts';
import { takeTurns } from '../../core/turns.ts';
import { publishedPath, type PublishedTree } from '../outputs/output.ts';

export interface LinkQuestion {
  /** Whether the same publication brings the layer: what it brings can be linked to. */
  readonly isBrought: (layer: Digest) => boolean;
  readonly meter: ImageMeter;
}

/** What a tree brings of files that are published already. */
export interface Unlinkable {
  /** Where they are published. */
  readonly paths: ReadonlySet<BytePath>;
  /** Of all their names in the tree together. */
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

  /** The published files that the tree needs and cannot link to. */
  async missingFrom(tree: PublishedTree, { isBrought, meter }: LinkQuestion): Promise<Unlinkable> {
    const paths = new Set<BytePath>();
    let sizeBytes = 0;
    if (tree.files === 'copied' || this.#view.linkableBytes === Number.POSITIVE_INFINITY)
      return { paths, sizeBytes };
    const { linkableBytes } = this.#view;
    for (const { node: file } of walkAny(tree.rootNode)) {
      if (meter.step()) await takeTurns();
      if (file.type !== 'file' || file.sizeBytes < linkableBytes || file.source.kind !== 'layer') continue;
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
