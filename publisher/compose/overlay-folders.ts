import type { ImageMeter } from '../image/image-limits.ts';
import type { Attributes } from '../publication/entry.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import type { DirectoryNode, LayerDirectoryNode, LayerNode, TreeNode } from '../tree/node.ts';
import { isWhole } from '../tree/packed-tree.ts';
import type { StackedLayer } from '../tree/image-trees.ts';

/** A folder or a name that an overlay mount of an image's layers shows, or should show. */
export interface OverlayPath {
  readonly path: BytePath;
  /** The image has something else there, or nothing. */
  readonly differs: boolean;
  /** A layer hides everything of the folder in the layers below. */
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
 * Yields `undefined` where others should have their turn.
 */
export function* overlayFolders(
  stack: readonly StackedLayer[],
  meter: ImageMeter,
): Generator<OverlayPath | undefined> {
  const merged = stack.at(-1)?.rootfs;
  if (merged === undefined) return;
  const roots = stack.map(({ layerTree }) => layerTree.root).toReversed();
  const layers = untilOpaque(roots);
  // Fuse-overlayfs heeds an opaque root, kernel overlay does not.
  if (layers.length < roots.length) yield { path: '', differs: true, isOpaque: false };
  const open: Place[] = [{ path: '', layers, merged }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    yield shownAt(place);
    for (const below of yield* placesBelow(place, meter)) open.push(below);
  }
}

interface Place {
  readonly path: BytePath;
  /** The folder in each layer that is seen there, the topmost first; at least one. */
  readonly layers: readonly LayerDirectoryNode[];
  readonly merged: TreeNode | undefined;
}

function shownAt({ path, layers, merged }: Place): OverlayPath {
  const differs = merged?.type !== 'directory' || !isAlike(layers[0]?.attributes, merged.attributes);
  return { path, differs, isOpaque: layers.some(({ opaque }) => opaque) };
}

/** The folders in a folder, the first one last. */
function* placesBelow(
  { path, layers, merged }: Place,
  meter: ImageMeter,
): Generator<OverlayPath | undefined, Place[]> {
  const [top] = layers;
  if (merged?.type !== 'directory') return [];
  if (layers.length === 1 && top !== undefined && isWhole(top)) return [];
  if (layers.length === 1 && path !== '') yield* vainDeletions(path, top);
  yield* missingLinks({ path, layers, merged }, meter);
  const places: Place[] = [];
  for (const [name, { folders }] of yield* seenIn(layers, meter)) {
    if (folders.length === 0) continue;
    places.push({ path: joinPath(path, name), layers: folders, merged: merged.children.get(name) });
  }
  return places.toReversed();
}

/** Visible folders of each name that is a folder in any of the layers. */
function* seenIn(
  layers: readonly LayerDirectoryNode[],
  meter: ImageMeter,
): Generator<undefined, Map<string, Seen>> {
  const found = new Map<string, Seen>();
  for (const [name, child] of childrenOf(layers)) {
    if (meter.step()) yield;
    if (child.type === 'directory' && !found.has(name)) found.set(name, { folders: [], isHidden: false });
  }
  for (const [name, child] of childrenOf(layers)) {
    if (meter.step()) yield;
    const seen = found.get(name);
    if (seen !== undefined) see(seen, child);
  }
  return found;
}

function* childrenOf(layers: readonly LayerDirectoryNode[]) {
  for (const { children } of layers) yield* children;
}

/** Visible folders of one name, from the topmost layer downwards. */
interface Seen {
  readonly folders: LayerDirectoryNode[];
  /** Lower layers are hidden. */
  isHidden: boolean;
}

/** Anything but a folder hides the layers below it, and so does an opaque folder. */
function see(seen: Seen, child: LayerNode): void {
  if (seen.isHidden) return;
  if (child.type === 'directory') seen.folders.push(child);
  seen.isHidden = child.type !== 'directory' || child.opaque;
}

/** Deletions in a folder that one layer alone has: kernel overlay lists the names, and then has nothing of them. */
function* vainDeletions(path: BytePath, folder: LayerDirectoryNode | undefined): Generator<OverlayPath> {
  if (folder === undefined || folder.opaque) return;
  for (const [name, child] of folder.children)
    if (child.type === 'whiteout') yield { path: joinPath(path, name), differs: true, isOpaque: false };
}

/** Hard links to files of lower layers, where an overlay mount shows something else in their place, or nothing. */
function* missingLinks(
  { path, layers, merged }: Place & { merged: DirectoryNode },
  meter: ImageMeter,
): Generator<OverlayPath | undefined> {
  for (const [index, { children }] of layers.entries()) {
    for (const [name, child] of children) {
      if (meter.step(child.type === 'foreign-link' ? layers.length : 1)) yield undefined;
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

function untilOpaque(layers: readonly LayerDirectoryNode[]): readonly LayerDirectoryNode[] {
  const last = layers.findIndex(({ opaque }) => opaque);
  return last === -1 ? layers : layers.slice(0, last + 1);
}

function isAlike(one: Attributes | undefined, other: Attributes): boolean {
  return one?.mode === other.mode && one.uid === other.uid && one.gid === other.gid;
}
