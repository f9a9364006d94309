import { Failure } from '../../wishlist/failure.ts';
import { displayPath, type BytePath } from '../repository/entry.ts';
import {
  EMPTY_TREE,
  joinPath,
  type DirectoryNode,
  type ForeignLinkNode,
  type LayerDirectoryNode,
  type LayerNode,
  type TreeNode,
} from './node.ts';
import { nodeAt, resolvePath } from './resolve.ts';

/**
 * The root file system that results when `layer` comes upon `lower`; neither is changed, and the result shares with
 * them what stays the same.
 *
 * @see OCI image specification 1.1, layer.md, "Applying Changesets"
 * @throws Failure `layer-corrupt` for a hard link to what no layer holds
 */
export function mergeLayer(lower: DirectoryNode, layer: LayerDirectoryNode): DirectoryNode {
  const merge: Merge = { lower, moved: [] };
  let merged = mergeDirectory(merge, '', lower, layer);
  for (const { path, directory } of merge.moved) merged = mergeAt(merge, merged, path.split('/'), directory);
  return merged;
}

interface Merge {
  /** The whole tree below, in which hard links to lower layers are looked up. */
  readonly lower: DirectoryNode;
  /** Directories that no member names, whose path leads through a symbolic link below: their children go to its target. */
  readonly moved: { path: BytePath; directory: LayerDirectoryNode }[];
}

function mergeDirectory(
  merge: Merge,
  path: BytePath,
  lower: TreeNode | undefined,
  upper: LayerDirectoryNode,
): DirectoryNode {
  const below = lower?.type === 'directory' ? lower : undefined;
  const children = new Map(upper.opaque ? [] : below?.children);
  for (const [name, child] of upper.children) {
    const at = joinPath(path, name);
    const merged = mergeChild(merge, at, below?.children.get(name), child);
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
    case 'directory': {
      const target =
        upper.implied && lower?.type === 'symlink' ? resolvePath<TreeNode>(merge.lower, path) : undefined;
      if (lower === undefined || target === undefined) return mergeDirectory(merge, path, lower, upper);
      merge.moved.push({ path: target, directory: upper });
      return lower;
    }
    default:
      return upper;
  }
}

function foreignTarget(lower: DirectoryNode, path: BytePath, link: ForeignLinkNode): TreeNode {
  const slash = link.target.lastIndexOf('/');
  const folder = slash === -1 ? '' : resolvePath<TreeNode>(lower, link.target.slice(0, slash));
  const node =
    folder === undefined
      ? undefined
      : nodeAt<TreeNode>(lower, joinPath(folder, link.target.slice(slash + 1)));
  if (node !== undefined && node.type !== 'directory') return node;
  throw new Failure(
    'layer-corrupt',
    `the hard link ${displayPath(path)} names ${displayPath(link.target)}, which is no file of the image`,
    { hint: 'the image is broken: build it again' },
  );
}

/** Merges `upper` into the directory at `components` of `tree`, which is made where it is missing. */
function mergeAt(
  merge: Merge,
  tree: DirectoryNode,
  components: readonly string[],
  upper: LayerDirectoryNode,
): DirectoryNode {
  const [name, ...rest] = components;
  if (name === undefined || name === '') return mergeDirectory(merge, '', tree, upper);
  const child = tree.children.get(name);
  const folder = child?.type === 'directory' ? child : EMPTY_TREE;
  return { ...tree, children: new Map(tree.children).set(name, mergeAt(merge, folder, rest, upper)) };
}
