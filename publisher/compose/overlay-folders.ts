import type { Attributes, BytePath } from '../repository/entry.ts';
import {
  joinPath,
  type DirectoryNode,
  type LayerDirectoryNode,
  type LayerNode,
  type TreeNode,
} from '../tree/node.ts';
import { isWhole } from '../tree/packed-tree.ts';
import type { Stage } from './image-trees.ts';

/** A folder or a name that an overlay mount of an image's layers shows, or should show. */
export interface OverlayPath {
  readonly path: BytePath;
  /** Whether the image has something else there, or nothing. */
  readonly differs: boolean;
  /** Whether a layer says of the folder that there is nothing of it below. */
  readonly isOpaque: boolean;
}

/**
 * The folders that an overlay mount shows of layers, each published by itself. A layer is shared by images, so that
 * what it holds may depend on its own members alone: a folder that no member names is root's and of mode 0755,
 * whatever those below it are, as docker and podman unpack it (the OCI image specification 1.1 leaves it open). And
 * it is a folder, also where the image has a symbolic link through which the members are meant to go.
 *
 * For the same reason a hard link to a file of a lower layer is no part of the layer: only where that layer had it by the same
 * name it is seen all the same.
 *
 * What lies below a folder that one layer alone describes, with all that is in it, is left out: it is as in the image.
 */
export function* overlayFolders(stages: readonly Stage[]): Generator<OverlayPath> {
  const merged = stages.at(-1)?.merged;
  if (merged === undefined) return;
  const roots = stages.map(({ own }) => own.root).toReversed();
  const layers = untilOpaque(roots);
  // Fuse-overlayfs heeds an opaque root, kernel overlay does not.
  if (layers.length < roots.length) yield { path: '', differs: true, isOpaque: false };
  yield* foldersBelow({ path: '', layers, merged });
}

interface Place {
  readonly path: BytePath;
  /** The folder in each layer that is seen there, the topmost first; at least one. */
  readonly layers: readonly LayerDirectoryNode[];
  readonly merged: TreeNode | undefined;
}

function* foldersBelow({ path, layers, merged }: Place): Generator<OverlayPath> {
  const [top] = layers;
  const isThere = merged?.type === 'directory';
  const differs = !isThere || !isAlike(top?.attributes, merged.attributes);
  yield { path, differs, isOpaque: layers.some(({ opaque }) => opaque) };
  if (!isThere || (layers.length === 1 && top !== undefined && isWhole(top))) return;
  if (layers.length === 1 && path !== '') yield* vainDeletions(path, top);
  yield* missingLinks({ path, layers, merged });
  for (const name of folderNames(layers)) {
    const below = foldersNamed(name, layers);
    if (below.length === 0) continue;
    yield* foldersBelow({ path: joinPath(path, name), layers: below, merged: merged.children.get(name) });
  }
}

/** Deletions in a folder that one layer alone has: kernel overlay lists the names, and then has nothing of them. */
function* vainDeletions(path: BytePath, folder: LayerDirectoryNode | undefined): Generator<OverlayPath> {
  if (folder === undefined || folder.opaque) return;
  for (const [name, child] of folder.children)
    if (child.type === 'whiteout') yield { path: joinPath(path, name), differs: true, isOpaque: false };
}

/** Hard links to files of lower layers, where an overlay mount shows something else in their place, or nothing. */
function* missingLinks({ path, layers, merged }: Place & { merged: DirectoryNode }): Generator<OverlayPath> {
  for (const [index, { children }] of layers.entries()) {
    for (const [name, child] of children) {
      if (child.type !== 'foreign-link') continue;
      if (layers.slice(0, index).some((upper) => upper.children.has(name))) continue;
      const shown = layers.slice(index + 1).map((lower) => lower.children.get(name));
      const node = shown.find((one) => one !== undefined && one.type !== 'foreign-link');
      if (!isSameFile(node, merged.children.get(name)))
        yield { path: joinPath(path, name), differs: true, isOpaque: false };
    }
  }
}

function isSameFile(one: LayerNode | undefined, other: TreeNode | undefined): boolean {
  if (one?.type !== 'file' || other?.type !== 'file') return false;
  if (one.source.kind !== 'layer' || other.source.kind !== 'layer') return false;
  return one.source.layer === other.source.layer && one.source.ordinal === other.source.ordinal;
}

function folderNames(layers: readonly LayerDirectoryNode[]): Set<string> {
  const names = new Set<string>();
  for (const { children } of layers)
    for (const [name, child] of children) if (child.type === 'directory') names.add(name);
  return names;
}

/** What is no folder hides all below it. */
function foldersNamed(name: string, layers: readonly LayerDirectoryNode[]): LayerDirectoryNode[] {
  const folders: LayerDirectoryNode[] = [];
  for (const { children } of layers) {
    const child = children.get(name);
    if (child === undefined) continue;
    if (child.type !== 'directory') break;
    folders.push(child);
    if (child.opaque) break;
  }
  return folders;
}

function untilOpaque(layers: readonly LayerDirectoryNode[]): readonly LayerDirectoryNode[] {
  const last = layers.findIndex(({ opaque }) => opaque);
  return last === -1 ? layers : layers.slice(0, last + 1);
}

function isAlike(one: Attributes | undefined, other: Attributes): boolean {
  return one?.mode === other.mode && one.uid === other.uid && one.gid === other.gid;
}
