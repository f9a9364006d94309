import type { ImageMeter } from '../image/image-limits.ts';
import type { Sliced } from '../../core/turns.ts';
import type { Children, LayerNode, TreeNode, WhiteoutNode } from './node.ts';
import { isWhole } from './packed-tree.ts';

/** The names that one layer has in a directory, or those of some layers, combined. */
interface Level {
  readonly upper: Children<LayerNode | TreeNode>;
  /** What names mean where it is not what `upper` has there; `undefined`: nothing is left. */
  readonly changed: ReadonlyMap<string, TreeNode | undefined>;
  /** How many names it has. */
  readonly size: number;
}

/** A name is looked for in one level after the other: with more of them, neighbors are combined. */
const MOST_LEVELS = 8;
/** What is combined is copied: that is for the many small levels. */
const MOST_COMBINED = 100_000;

/**
 * What a directory holds after a layer: that of the directory below, and over it that of the layer's own. Neither is copied,
 * since a change of one name in a large directory should not cost all of them; nor is the cost of a name that of all layers,
 * since small levels are combined where there are many.
 */
export function* overlaid(
  lower: Children<TreeNode> | undefined,
  top: Level,
  meter: ImageMeter,
): Sliced<Children<TreeNode>> {
  const below = lower instanceof OverlaidChildren ? lower : undefined;
  const levels = [...(below?.levels ?? []), top];
  while (levels.length > MOST_LEVELS) {
    const at = levels.findLastIndex((level, index) => isWorthCombining(level, levels[index + 1]));
    const [one, other] = levels.slice(at, at + 2);
    if (at === -1 || one === undefined || other === undefined) break;
    levels.splice(at, 2, yield* combined(one, other, meter));
  }
  return new OverlaidChildren(below === undefined ? lower : below.base, levels);
}

/** So that what is left doubles from level to level, and a name is copied a few times at most. */
function isWorthCombining(lower: Level, upper: Level | undefined): boolean {
  return upper !== undefined && 2 * upper.size >= lower.size && lower.size + upper.size <= MOST_COMBINED;
}

function* combined(lower: Level, upper: Level, meter: ImageMeter): Sliced<Level> {
  const names = new Map<string, TreeNode | WhiteoutNode>();
  for (const level of [lower, upper]) {
    for (const [name, node] of level.upper) {
      if (meter.step()) yield;
      names.set(name, meant(level, name, node) ?? DELETED);
    }
  }
  meter.keep(names.size);
  return { upper: names, changed: NONE, size: names.size };
}

const DELETED: WhiteoutNode = { type: 'whiteout' };
export const NONE: Level['changed'] = new Map();

class OverlaidChildren implements Children<TreeNode> {
  readonly base: Children<TreeNode> | undefined;
  /** The topmost is the last. */
  readonly levels: readonly Level[];

  constructor(base: Children<TreeNode> | undefined, levels: readonly Level[]) {
    this.base = base;
    this.levels = levels;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): TreeNode | undefined {
    return this.#above(-1, name, () => this.base?.get(name));
  }

  /** Each name comes where the lowest level has it. */
  *[Symbol.iterator](): Generator<[string, TreeNode]> {
    for (const [name, node] of this.base ?? []) {
      const meaning = this.#above(-1, name, () => node);
      if (meaning !== undefined) yield [name, meaning];
    }
    for (const [index, level] of this.levels.entries()) {
      for (const [name, node] of level.upper) {
        if (this.#isBelow(index, name)) continue;
        const meaning = this.#above(index, name, () => meant(level, name, node));
        if (meaning !== undefined) yield [name, meaning];
      }
    }
  }

  *values(): Generator<TreeNode> {
    for (const [, node] of this) yield node;
  }

  /** What the levels above the one at `index` make of a name; what it is there, where none of them has it. */
  #above(index: number, name: string, there: () => TreeNode | undefined): TreeNode | undefined {
    for (let at = this.levels.length - 1; at > index; at--) {
      const level = this.levels[at];
      const node = level?.upper.get(name);
      if (level !== undefined && node !== undefined) return meant(level, name, node);
    }
    return there();
  }

  #isBelow(index: number, name: string): boolean {
    if (this.base?.has(name) === true) return true;
    return this.levels.slice(0, index).some(({ upper }) => upper.has(name));
  }
}

function meant({ changed }: Level, name: string, node: LayerNode | TreeNode): TreeNode | undefined {
  if (changed.has(name)) return changed.get(name);
  return isOfImage(node) ? node : undefined;
}

/** Whether merging leaves the node as it is. */
function isOfImage(node: LayerNode | TreeNode): node is TreeNode {
  if (node.type === 'whiteout' || node.type === 'foreign-link') return false;
  return node.type !== 'directory' || !('implied' in node) || isWhole(node);
}
