import { layerContents, type Wanted } from '../layer/content.ts';
import type { FilePack } from '../layer/file-pack.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { NumberSet } from '../packed/column.ts';
import type { Entry, FileEntry, Slice } from '../publication/entry.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { CATALOG_MARKER, catalogFolders } from '../tree/catalogs.ts';
import { IMPLIED_ATTRIBUTES, type FileNode, type LayerSource, type AnyNode, walkAny } from '../tree/node.ts';
import { nodeAt } from '../tree/resolve.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import { inSlices, inTurns } from '../../core/turns.ts';
import type { PublishedTree } from '../outputs/output.ts';

export interface TreeSources {
  /** Path of the verified blob of a layer. */
  readonly blobOf: (layer: Digest) => string;
  /** Files of a layer that were written aside; `undefined`: none were. */
  readonly packOf: (layer: Digest) => FilePack | undefined;
  /** The tree of one of the image's layers. */
  readonly treeOf: (layer: Digest) => LayerTree;
  /** Path in the repository of the file that a layer's is: its own, or that of a layer that shares it. */
  readonly homeOf: (source: LayerSource) => BytePath;
  /** Published files of layers that cannot be linked to. */
  readonly unlinkable: ReadonlySet<BytePath>;
  /** Content of the published file at `path`. */
  readonly published: (path: BytePath) => AsyncIterable<Uint8Array>;
}

/**
 * The entries of one tree: its directories, devices and links to other trees, then the contents that it brings, layer by
 * layer in the order of their archives, then further names of these.
 */
export async function* treeEntries(tree: PublishedTree, sources: TreeSources): AsyncGenerator<Slice> {
  yield tree.metadata;
  if (tree.root !== tree.path) yield [marker(tree.path)];
  const placing = new Placing(tree, sources, await inTurns(catalogFolders(tree.rootNode)));
  yield* inSlices(placing.entries());
  for (const [layer, wanted] of placing.contents)
    for await (const file of filesOf(layer, wanted, sources)) yield [file];
  // Found again: kept, they might be as many as the files of the image.
  if (placing.hasFurtherNames) yield* inSlices(placing.furtherNames());
}

function filesOf(layer: Digest, wanted: Wanted, { packOf, blobOf }: TreeSources): AsyncGenerator<FileEntry> {
  const pack = packOf(layer);
  if (pack?.hasAll(wanted) === true) return pack.entries(wanted);
  return layerContents({ path: blobOf(layer), digest: layer }, wanted);
}

/**
 * What marks and describes a published tree, without its own files. Folders that get a mark are written too: it would
 * change their times.
 */
export async function entriesBeside(tree: PublishedTree): Promise<Entry[]> {
  const { root, path, rootNode, metadata } = tree;
  const folders = await inTurns(catalogFolders(rootNode));
  if (root === path) folders.add('');
  const inside = [...folders].flatMap((folder): Entry[] => {
    const node = nodeAt<AnyNode>(rootNode, folder);
    if (node?.type !== 'directory') return [];
    const at = folder === '' ? root : joinPath(root, folder);
    return [{ type: 'directory', path: at, attributes: node.attributes }, marker(at)];
  });
  return [...metadata, ...(root === path ? [] : [marker(path)]), ...inside];
}

/** Marks `folder` as the root of a nested catalog. */
function marker(folder: BytePath): FileEntry {
  const attributes = { ...IMPLIED_ATTRIBUTES, mode: 0o644 };
  return { type: 'file', path: `${folder}/${CATALOG_MARKER}`, attributes, sizeBytes: 0, content: [] };
}

/** Walks over a tree's tree: gives what has no content, and notes where contents belong. */
class Placing {
  /** Complete once the {@link entries} were. */
  readonly contents = new Map<Digest, Brought>();
  hasFurtherNames = false;
  readonly #tree: PublishedTree;
  readonly #sources: TreeSources;
  readonly #catalogs: Set<BytePath>;
  /** What the paths of its own entries begin with. */
  readonly #inside: string;

  constructor(tree: PublishedTree, sources: TreeSources, catalogs: Set<BytePath>) {
    this.#tree = tree;
    this.#sources = sources;
    this.#catalogs = catalogs;
    this.#inside = `${tree.root}/`;
    if (tree.root === tree.path) this.#catalogs.add('');
  }

  *entries(): Generator<Entry> {
    for (const { path, node, folder } of walkAny(this.#tree.rootNode)) {
      // Nothing is left to delete, and kernel overlay would list the name.
      if (node.type === 'whiteout' && isOpaque(folder)) continue;
      const at = path === '' ? this.#tree.root : joinPath(this.#tree.root, path);
      const entry = this.#entry(node, path, at);
      if (entry !== undefined) yield entry;
      if (node.type === 'directory' && this.#catalogs.has(path)) yield marker(at);
    }
  }

  /** Links to the contents. */
  *furtherNames(): Generator<Entry> {
    for (const { path, node } of walkAny(this.#tree.rootNode)) {
      if (node.type !== 'file' || node.source.kind !== 'layer') continue;
      const at = joinPath(this.#tree.root, path);
      const home = this.#homeOf(node.source, path, at);
      if (home !== at && this.#isInside(home)) yield { type: 'link', path: at, target: home };
    }
  }

  #entry(node: AnyNode, path: BytePath, at: BytePath): Entry | undefined {
    switch (node.type) {
      case 'directory':
        return { type: 'directory', path: at, attributes: node.attributes };
      case 'file':
        return this.#file(node, path, at);
      case 'symlink':
        return { type: 'symlink', path: at, attributes: node.attributes, target: node.target };
      case 'whiteout':
        return { type: 'character-device', path: at, attributes: WHITEOUT_ATTRIBUTES, major: 0, minor: 0 };
      // What it is depends on the layers below, and a layer is shared by images that have others there.
      case 'foreign-link':
        return undefined;
      case 'character-device':
      case 'block-device':
      case 'fifo': {
        const { type, attributes, major, minor } = node;
        return { type, path: at, attributes, major, minor };
      }
    }
  }

  /** `undefined`: it comes with the contents, or as a further name of one of them. */
  #file(node: FileNode, path: BytePath, at: BytePath): Entry | undefined {
    const { source } = node;
    if (source.kind === 'bytes') return fileAt(at, node, [source.bytes]);
    const home = this.#homeOf(source, path, at);
    if (home === at) return undefined;
    if (this.#isInside(home)) {
      this.hasFurtherNames = true;
      return undefined;
    }
    if (!this.#sources.unlinkable.has(home)) return { type: 'link', path: at, target: home };
    return fileAt(at, node, this.#sources.published(home));
  }

  /** Path of the file that is to be at `at`: the same where the tree brings it under that name. */
  #homeOf(source: LayerSource, path: BytePath, at: BytePath): BytePath {
    const published = this.#sources.homeOf(source);
    const isBrought = this.#tree.files === 'copied' || published === at;
    return isBrought ? this.#broughtOf(source.layer).place(source, path) : published;
  }

  #isInside(path: BytePath): boolean {
    return path.startsWith(this.#inside);
  }

  #broughtOf(layer: Digest): Brought {
    const brought = this.contents.get(layer) ?? new Brought(this.#tree.root, this.#sources.treeOf(layer));
    this.contents.set(layer, brought);
    return brought;
  }
}

function fileAt(
  path: BytePath,
  { attributes, sizeBytes }: FileNode,
  content: FileEntry['content'],
): FileEntry {
  return { type: 'file', path, attributes, sizeBytes, content };
}

/** Whether nothing is left in `folder` that a deletion could hide. */
export function isOpaque(folder: AnyNode | undefined): boolean {
  return folder?.type === 'directory' && 'opaque' in folder && folder.opaque;
}

/** The files of one layer that a tree brings, each at the first of its names. Nearly all are where their layer has them. */
class Brought implements Wanted {
  readonly #root: BytePath;
  readonly #tree: LayerTree;
  readonly #ordinals = new NumberSet();
  readonly #elsewhere = new Map<number, BytePath>();

  constructor(root: BytePath, tree: LayerTree) {
    this.#root = root;
    this.#tree = tree;
  }

  get size(): number {
    return this.#ordinals.size;
  }

  get(ordinal: number): BytePath | undefined {
    if (!this.#ordinals.has(ordinal)) return undefined;
    const path = this.#elsewhere.get(ordinal) ?? this.#tree.placeOf(ordinal);
    return path === undefined ? undefined : joinPath(this.#root, path);
  }

  /** Path in the repository of the file whose next name is `path`. */
  place({ ordinal, path: own }: LayerSource, path: BytePath): BytePath {
    if (this.#ordinals.add(ordinal) && path !== own) this.#elsewhere.set(ordinal, path);
    return joinPath(this.#root, this.#elsewhere.get(ordinal) ?? own);
  }
}

/** Kernel overlay takes a character device 0:0 for a deletion, whatever its mode. */
export const WHITEOUT_ATTRIBUTES = { ...IMPLIED_ATTRIBUTES, mode: 0 };
