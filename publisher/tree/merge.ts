import type { BytePath } from '../repository/entry.ts';
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
import { bringsAnything } from './layer-tree.ts';
import { brokenLink, checkPlace, memberFolder } from './member-place.ts';
import { OverlaidChildren } from './overlaid-children.ts';
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
export function mergeLayer(lower: DirectoryNode, layer: LayerDirectoryNode): DirectoryNode {
  const merge: Merge = { lower, moved: [], isMoving: false };
  let merged = mergeDirectory(merge, '', lower, layer);
  for (const { path, directory } of merge.moved) {
    const target = memberFolder<TreeNode>(merged, path);
    if (bringsAnything(directory) || nodeAt<TreeNode>(merged, target)?.type === 'directory')
      merged = mergeAt({ ...merge, isMoving: true, directory }, '', merged, target.split('/'));
  }
  return merged;
}

interface Merge {
  /** The whole tree below, in which hard links to lower layers are looked up. */
  readonly lower: DirectoryNode;
  /** Directories that no member names and that are symbolic links below: their children go to where these lead. */
  readonly moved: { path: BytePath; directory: LayerDirectoryNode }[];
  /** Whether these are what is merged, at paths other than their own. */
  readonly isMoving: boolean;
}

function mergeDirectory(
  merge: Merge,
  path: BytePath,
  lower: TreeNode | undefined,
  upper: LayerDirectoryNode,
): DirectoryNode {
  const below = lower?.type === 'directory' ? lower : undefined;
  if (below === undefined && !merge.isMoving && isWhole(upper)) return upper;
  const { attributes, xattrs } = upper.implied && below !== undefined ? below : upper;
  const children = mergeChildren(merge, path, upper.opaque ? undefined : below?.children, upper.children);
  return { type: 'directory', attributes, xattrs, children };
}

function mergeChildren(
  merge: Merge,
  path: BytePath,
  lower: Children<TreeNode> | undefined,
  upper: Children<LayerNode>,
): Children<TreeNode> {
  const changed = new Map<string, TreeNode | undefined>();
  for (const [name, child] of upper) {
    const at = joinPath(path, name);
    checkPlace(at);
    const merged = mergeChild(merge, at, lower?.get(name), child);
    if (merged !== child) changed.set(name, merged);
  }
  return new OverlaidChildren(lower, upper, changed);
}

/** What the name is afterwards; `undefined`: nothing. */
function mergeChild(
  merge: Merge,
  path: BytePath,
  lower: TreeNode | undefined,
  upper: LayerNode,
): TreeNode | undefined {
  switch (upper.type) {
    case 'whiteout':
      return undefined;
    case 'foreign-link':
      return foreignTarget(merge.lower, path, upper);
    case 'directory':
      return upper.implied && lower?.type !== 'directory'
        ? mergeImplied(merge, path, lower, upper)
        : mergeDirectory(merge, path, lower, upper);
    default:
      return upper;
  }
}

/** A directory that no member names is one below, or leads to one, or is made for what it holds, whatever is there. */
function mergeImplied(
  merge: Merge,
  path: BytePath,
  lower: Exclude<TreeNode, DirectoryNode> | undefined,
  upper: LayerDirectoryNode,
): TreeNode | undefined {
  if (lower?.type === 'symlink') {
    merge.moved.push({ path, directory: upper });
    return lower;
  }
  if (!bringsAnything(upper)) return lower;
  return mergeDirectory(merge, path, lower, upper);
}

function foreignTarget(lower: DirectoryNode, path: BytePath, link: ForeignLinkNode): TreeNode {
  const node = entryAt<TreeNode>(lower, link.target);
  if (node !== undefined && node.type !== 'directory') return node;
  throw brokenLink(path, link.target);
}

/** Merges a directory into the one at `components` below `path`, which is made where something else is, or nothing. */
function mergeAt(
  merge: Merge & { readonly directory: LayerDirectoryNode },
  path: BytePath,
  tree: DirectoryNode,
  components: readonly string[],
): DirectoryNode {
  const [name, ...rest] = components;
  if (name === undefined || name === '') return mergeDirectory(merge, path, tree, merge.directory);
  const at = joinPath(path, name);
  const there = tree.children.get(name);
  const child = there?.type === 'directory' ? there : EMPTY_TREE;
  const { attributes, xattrs, children } = tree;
  const changed = new Map([[name, mergeAt(merge, at, child, rest)]]);
  return {
    type: 'directory',
    attributes,
    xattrs,
    children: new OverlaidChildren(children, changed, changed),
  };
}
