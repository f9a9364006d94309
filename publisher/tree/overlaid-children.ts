import type { Children, LayerNode, TreeNode } from './node.ts';
import { isWhole } from './packed-tree.ts';

/**
 * What a directory holds after a layer: that of the directory below, and over it that of the layer's own. Neither is
 * copied, since a change of one name in a large directory should not cost all of them.
 */
export class OverlaidChildren implements Children<TreeNode> {
  readonly #lower: Children<TreeNode> | undefined;
  readonly #upper: Children<LayerNode | TreeNode>;
  /** What names of the layer's mean where it is not what it has there; `undefined`: nothing is left. */
  readonly #changed: ReadonlyMap<string, TreeNode | undefined> | undefined;

  constructor(
    lower: Children<TreeNode> | undefined,
    upper: Children<LayerNode | TreeNode>,
    changed: ReadonlyMap<string, TreeNode | undefined>,
  ) {
    this.#lower = lower;
    this.#upper = upper;
    this.#changed = changed.size === 0 ? undefined : changed;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): TreeNode | undefined {
    const upper = this.#upper.get(name);
    return upper === undefined ? this.#lower?.get(name) : this.#merged(name, upper);
  }

  *[Symbol.iterator](): Generator<[string, TreeNode]> {
    for (const [name, lower] of this.#lower ?? []) {
      const upper = this.#upper.get(name);
      const node = upper === undefined ? lower : this.#merged(name, upper);
      if (node !== undefined) yield [name, node];
    }
    for (const [name, upper] of this.#upper) {
      if (this.#lower?.has(name) === true) continue;
      const node = this.#merged(name, upper);
      if (node !== undefined) yield [name, node];
    }
  }

  *values(): Generator<TreeNode> {
    for (const [, node] of this) yield node;
  }

  #merged(name: string, upper: LayerNode | TreeNode): TreeNode | undefined {
    if (this.#changed?.has(name) === true) return this.#changed.get(name);
    return isOfImage(upper) ? upper : undefined;
  }
}

/** Whether merging leaves the node as it is. */
function isOfImage(node: LayerNode | TreeNode): node is TreeNode {
  if (node.type === 'whiteout' || node.type === 'foreign-link') return false;
  return node.type !== 'directory' || !('implied' in node) || isWhole(node);
}
