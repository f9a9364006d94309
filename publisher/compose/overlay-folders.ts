import type { Attributes, BytePath } from '../repository/entry.ts';
import { joinPath, type LayerDirectoryNode, type TreeNode } from '../tree/node.ts';
import type { Stage } from './image-trees.ts';

/** A folder of what an overlay mount of an image's layers shows. */
export interface OverlayFolder {
  readonly path: BytePath;
  /** Whether the image has another folder there, or none. */
  readonly differs: boolean;
  /** Whether a layer says that there is nothing of it below. */
  readonly isOpaque: boolean;
}

/**
 * The folders that an overlay mount shows of layers, each published by itself. A layer is shared by images, so that
 * what it holds may depend on its own members alone: a folder that no member names is root's and of mode 0755,
 * whatever those below it are, as docker and podman unpack it (the OCI image specification 1.1 leaves it open). And
 * it is a folder, also where the image has a symbolic link through which the members are meant to go.
 */
export function* overlayFolders(stages: readonly Stage[]): Generator<OverlayFolder> {
  const merged = stages.at(-1)?.merged;
  if (merged === undefined) return;
  const roots = stages.map(({ own }) => own.root).toReversed();
  yield* foldersBelow({ path: '', layers: untilOpaque(roots), merged });
}

interface Place {
  readonly path: BytePath;
  /** The folder in each layer that is seen there, the topmost first; at least one. */
  readonly layers: readonly LayerDirectoryNode[];
  readonly merged: TreeNode | undefined;
}

function* foldersBelow({ path, layers, merged }: Place): Generator<OverlayFolder> {
  const [top] = layers;
  const isThere = merged?.type === 'directory';
  const differs = !isThere || !isAlike(top?.attributes, merged.attributes);
  yield { path, differs, isOpaque: layers.some(({ opaque }) => opaque) };
  if (!isThere) return;
  for (const name of folderNames(layers)) {
    const below = foldersNamed(name, layers);
    if (below.length === 0) continue;
    yield* foldersBelow({ path: joinPath(path, name), layers: below, merged: merged.children.get(name) });
  }
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
