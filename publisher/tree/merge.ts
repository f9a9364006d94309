import type { ImageMeter } from '../image/image-limits.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import type { Sliced } from '../../core/turns.ts';
import {
  EMPTY_TREE,
  type Children,
  type DirectoryNode,
  type ForeignLinkNode,
  type LayerDirectoryNode,
  type LayerNode,
  type TreeNode,
  type WhiteoutNode,
} from './node.ts';
import { brokenLink, checkPlace, memberFolder, entryAt, nodeAt } from './resolve.ts';
import { isWhole } from './packed-tree.ts';

/**
 * The root file system that results when `layer` comes upon `lower`; neither is changed, and the result shares with
 * them what stays the same.
 *
 * @see OCI image specification 1.1, layer.md, "Applying Changesets"
 * @throws Failure `layer-corrupt` for a hard link to what no layer holds; `layer-refused` where a member's path leads
 *   through links in a circle, or by links to a path that it may not have
 */
export function* mergeLayer(
  lower: DirectoryNode,
  layer: LayerDirectoryNode,
  meter: ImageMeter,
): Sliced<DirectoryNode> {
  const merge: Merge = { lower, meter, moved: [], isMoving: false };
  let merged = yield* mergeDirectory(merge, '', lower, layer);
  for (const { path, directory } of merge.moved) {
    const target = memberFolder<TreeNode>(merged, path, meter);
    if (directory.bringsAnything || nodeAt<TreeNode>(merged, target)?.type === 'directory')
      merged = yield* mergeAt({ ...merge, isMoving: true }, { path: target, directory }, merged);
  }
  return merged;
}

interface Placed {
  readonly path: BytePath;
  readonly directory: LayerDirectoryNode;
}

interface Merge {
  readonly meter: ImageMeter;
  /** The whole tree below, in which hard links to lower layers are looked up. */
  readonly lower: DirectoryNode;
  /** Directories that no member names and that are symbolic links below: their children go to where these lead. */
  readonly moved: Placed[];
  /** Directories are merged at paths other than their own. */
  readonly isMoving: boolean;
}

function* mergeDirectory(
  merge: Merge,
  path: BytePath,
  lower: TreeNode | undefined,
  upper: LayerDirectoryNode,
): Sliced<DirectoryNode> {
  const below = lower?.type === 'directory' ? lower : undefined;
  if (below === undefined && !merge.isMoving && isWhole(upper)) return upper;
  const { attributes, xattrs } = upper.implied && below !== undefined ? below : upper;
  const children = yield* mergeChildren(
    merge,
    path,
    upper.opaque ? undefined : below?.children,
    upper.children,
  );
  return { type: 'directory', attributes, xattrs, children };
}

/** Members have at most MOST_COMPONENTS components, so that no directory lies deeper. */
function* mergeChildren(
  merge: Merge,
  path: BytePath,
  lower: Children<TreeNode> | undefined,
  upper: Children<LayerNode>,
): Sliced<Children<TreeNode>> {
  const changed = new Map<string, TreeNode | undefined>();
  let size = 0;
  for (const [name, child] of upper) {
    const at = joinPath(path, name);
    checkPlace(at);
    size++;
    if (merge.meter.step()) yield;
    const merged = yield* mergeChild(merge, at, lower?.get(name), child);
    if (merged !== child) changed.set(name, merged);
  }
  return yield* overlaid(lower, { upper, changed, size }, merge.meter);
}

/** Node of the name after merging; `undefined`: nothing. */
function* mergeChild(
  merge: Merge,
  path: BytePath,
  lower: TreeNode | undefined,
  upper: LayerNode,
): Sliced<TreeNode | undefined> {
  switch (upper.type) {
    case 'whiteout':
      return undefined;
    case 'foreign-link':
      return foreignTarget(merge, path, upper);
    case 'directory':
      return upper.implied && lower?.type !== 'directory'
        ? yield* mergeImplied(merge, path, lower, upper)
        : yield* mergeDirectory(merge, path, lower, upper);
    default:
      return upper;
  }
}

/** A directory that no member names is one below, or leads to one, or is made for what it holds, whatever is there. */
function* mergeImplied(
  merge: Merge,
  path: BytePath,
  lower: Exclude<TreeNode, DirectoryNode> | undefined,
  upper: LayerDirectoryNode,
): Sliced<TreeNode | undefined> {
  if (lower?.type === 'symlink') {
    merge.moved.push({ path, directory: upper });
    return lower;
  }
  return upper.bringsAnything ? yield* mergeDirectory(merge, path, lower, upper) : lower;
}

function foreignTarget({ lower, meter }: Merge, path: BytePath, link: ForeignLinkNode): TreeNode {
  const node = entryAt<TreeNode>(lower, link.target, meter);
  if (node !== undefined && node.type !== 'directory') return node;
  throw brokenLink(path, link.target);
}

/** Merges a directory into the one at its path in `root`, which is made where something else is, or nothing. */
function* mergeAt(merge: Merge, { path, directory }: Placed, root: DirectoryNode): Sliced<DirectoryNode> {
  const names = path === '' ? [] : path.split('/');
  const above: DirectoryNode[] = [];
  let folder = root;
  for (const name of names) {
    above.push(folder);
    const there = folder.children.get(name);
    folder = there?.type === 'directory' ? there : EMPTY_TREE;
  }
  let merged = yield* mergeDirectory(merge, path, folder, directory);
  for (const name of names.toReversed()) {
    const { attributes, xattrs, children } = above.pop() ?? EMPTY_TREE;
    const upper = new Map([[name, merged]]);
    if (merge.meter.step()) yield;
    merged = {
      type: 'directory',
      attributes,
      xattrs,
      children: yield* overlaid(children, { upper, changed: NONE, size: 1 }, merge.meter),
    };
  }
  return merged;
}

/** The names that one layer has in a directory, or those of some layers, combined. */
interface Level {
  readonly upper: Children<LayerNode | TreeNode>;
  /** Nodes of names where they differ from `upper`; `undefined`: nothing is left. */
  readonly changed: ReadonlyMap<string, TreeNode | undefined>;
  readonly size: number;
}

/** A name is looked for in one level after the other: with more of them, neighbors are combined. */
const MOST_LEVELS = 8;
/** Combining copies: only worth it for the many small levels. */
const MOST_COMBINED = 100_000;

/**
 * Children of a directory after a layer: those of the directory below, and over them the layer's own. Neither is copied,
 * since a change of one name in a large directory should not cost all of them; nor is the cost of a name that of all layers,
 * since small levels are combined where there are many.
 */
function* overlaid(
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

/** Keeps sizes doubling from level to level, so that a name is copied a few times at most. */
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
const NONE: Level['changed'] = new Map();

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

  /** Node of a name in the levels above `index`; `there()` where none of them has it. */
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

/** Reports whether merging leaves the node as it is. */
function isOfImage(node: LayerNode | TreeNode): node is TreeNode {
  if (node.type === 'whiteout' || node.type === 'foreign-link') return false;
  return node.type !== 'directory' || !('implied' in node) || isWhole(node);
}
