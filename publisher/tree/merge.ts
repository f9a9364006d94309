import type { BytePath } from '../repository/entry.ts';
import {
  EMPTY_TREE,
  joinPath,
  type DirectoryNode,
  type ForeignLinkNode,
  type LayerDirectoryNode,
  type LayerNode,
  type TreeNode,
} from './node.ts';
import { bringsAnything } from './layer-tree.ts';
import { brokenLink, checkPlace, memberFolder, noDirectory } from './member-place.ts';
import { entryAt, nodeAt } from './resolve.ts';

/**
 * The root file system that results when `layer` comes upon `lower`; neither is changed, and the result shares with
 * them what stays the same.
 *
 * @see OCI image specification 1.1, layer.md, "Applying Changesets"
 * @throws Failure `layer-corrupt` for a hard link to what no layer holds; `layer-refused` where a member's path leads
 *   through a file of a layer below, or through links in a circle
 */
export function mergeLayer(lower: DirectoryNode, layer: LayerDirectoryNode): DirectoryNode {
  const merge: Merge = { lower, moved: [] };
  let merged = mergeDirectory(merge, '', lower, layer);
  for (const { path, directory } of merge.moved) {
    const target = memberFolder<TreeNode>(merged, path);
    if (bringsAnything(directory) || nodeAt<TreeNode>(merged, target)?.type === 'directory')
      merged = mergeAt({ ...merge, directory }, '', merged, target.split('/'));
  }
  return merged;
}

interface Merge {
  /** The whole tree below, in which hard links to lower layers are looked up. */
  readonly lower: DirectoryNode;
  /** Directories that no member names and that are symbolic links below: their children go to where these lead. */
  readonly moved: { path: BytePath; directory: LayerDirectoryNode }[];
}

function mergeDirectory(
  merge: Merge,
  path: BytePath,
  lower: TreeNode | undefined,
  upper: LayerDirectoryNode,
): DirectoryNode {
  const below = lower?.type === 'directory' ? lower : undefined;
  const kept = upper.opaque ? undefined : below?.children;
  const children = new Map(kept);
  for (const [name, child] of upper.children) {
    const at = joinPath(path, name);
    checkPlace(at);
    const merged = mergeChild(merge, at, kept?.get(name), child);
    if (merged === undefined) children.delete(name);
    else children.set(name, merged);
  }
  const described = upper.implied && below !== undefined ? below : upper;
  return { type: 'directory', attributes: described.attributes, xattrs: described.xattrs, children };
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

/** A directory that no member names must be one below, or lead to one, or be made for what it holds. */
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
  if (lower !== undefined) throw noDirectory(path);
  return mergeDirectory(merge, path, lower, upper);
}

function foreignTarget(lower: DirectoryNode, path: BytePath, link: ForeignLinkNode): TreeNode {
  const node = entryAt<TreeNode>(lower, link.target);
  if (node !== undefined && node.type !== 'directory') return node;
  throw brokenLink(path, link.target);
}

/** Merges a directory into the one at `components` below `path`, which is made where it is missing. */
function mergeAt(
  merge: Merge & { readonly directory: LayerDirectoryNode },
  path: BytePath,
  tree: DirectoryNode,
  components: readonly string[],
): DirectoryNode {
  const [name, ...rest] = components;
  if (name === undefined || name === '') return mergeDirectory(merge, path, tree, merge.directory);
  const at = joinPath(path, name);
  const child = tree.children.get(name) ?? EMPTY_TREE;
  if (child.type !== 'directory') throw noDirectory(at);
  return { ...tree, children: new Map(tree.children).set(name, mergeAt(merge, at, child, rest)) };
}
