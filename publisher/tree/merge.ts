import type { ImageMeter } from '../image/image-limits.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { Sliced } from '../../core/turns.ts';
import {
  EMPTY_TREE,
  joinPath,
  type Children,
  type DirectoryNode,
  type ForeignLinkNode,
  type LayerDirectoryNode,
  type LayerNode,
  type TreeNode,
} from './node.ts';
import { brokenLink, checkPlace, memberFolder } from './member-place.ts';
import { NONE, overlaid } from './overlaid-children.ts';
import { isWhole } from './packed-tree.ts';
import { entryAt, nodeAt } from './resolve.ts';

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

/** A directory and where it is. */
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
  /** Whether these are what is merged, at paths other than their own. */
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

/** What the name is afterwards; `undefined`: nothing. */
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
  if (!upper.bringsAnything) return lower;
  return yield* mergeDirectory(merge, path, lower, upper);
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
