import { layerContents, type Wanted } from '../layer/content.ts';
import type { FilePack } from '../layer/file-pack.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { NumberSet } from '../packed/column.ts';
import type { Entry, FileEntry } from '../publication/entry.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { CATALOG_MARKER, catalogFolders } from '../tree/catalogs.ts';
import { IMPLIED_ATTRIBUTES, type FileNode, type LayerSource, type AnyNode, walkAny } from '../tree/node.ts';
import { nodeAt } from '../tree/resolve.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import { givingTurns, inTurns } from '../../core/turns.ts';
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
 * The entries of one tree: its directories, links and devices, then the contents that it brings, layer by layer in the
 * order of their archives, then hard links.
 */
export async function* treeEntries(tree: PublishedTree, sources: TreeSources): AsyncGenerator<Entry> {
  yield* tree.metadata;
  if (tree.root !== tree.path) yield marker(tree.path);
  const placing = new Placing(tree, sources, await inTurns(catalogFolders(tree.rootNode)));
  let links = 0;
  for await (const entry of givingTurns(placing.entries())) {
    if (entry.type === 'link') links++;
    else yield entry;
  }
  for (const [layer, wanted] of placing.contents) yield* filesOf(layer, wanted, sources);
  if (links === 0) return;
  // Found again: kept, they would be as many as the files of the image.
  for await (const entry of givingTurns(placing.entries())) if (entry.type === 'link') yield entry;
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

/** Walks over a tree's tree: gives what has no content, links too, and notes where contents belong. */
class Placing {
  readonly contents = new Map<Digest, Brought>();
  readonly #tree: PublishedTree;
  readonly #sources: TreeSources;
  readonly #catalogs: Set<BytePath>;

  constructor(tree: PublishedTree, sources: TreeSources, catalogs: Set<BytePath>) {
    this.#tree = tree;
    this.#sources = sources;
    this.#catalogs = catalogs;
    if (tree.root === tree.path) this.#catalogs.add('');
  }

  *entries(): Generator<Entry> {
    for (const visit of walkAny(this.#tree.rootNode)) {
      // Nothing is left to delete, and kernel overlay would list the name.
      if (visit.node.type === 'whiteout' && isOpaque(visit.folder)) continue;
      yield* this.#entry(visit.node, visit.path);
    }
  }

  *#entry(node: AnyNode, path: BytePath): Generator<Entry> {
    const at = path === '' ? this.#tree.root : joinPath(this.#tree.root, path);
    switch (node.type) {
      case 'directory':
        yield { type: 'directory', path: at, attributes: node.attributes };
        if (this.#catalogs.has(path)) yield marker(at);
        return;
      case 'file':
        yield* this.#file(node, path, at);
        return;
      case 'symlink':
        yield { type: 'symlink', path: at, attributes: node.attributes, target: node.target };
        return;
      case 'whiteout':
        yield { type: 'character-device', path: at, attributes: WHITEOUT_ATTRIBUTES, major: 0, minor: 0 };
        return;
      // What it is depends on the layers below, and a layer is shared by images that have others there.
      case 'foreign-link':
        return;
      case 'character-device':
      case 'block-device':
      case 'fifo': {
        const { type, attributes, major, minor } = node;
        yield { type, path: at, attributes, major, minor };
        return;
      }
    }
  }

  *#file(node: FileNode, path: BytePath, at: BytePath): Generator<Entry> {
    const { source, attributes, sizeBytes } = node;
    if (source.kind === 'bytes') {
      yield { type: 'file', path: at, attributes, sizeBytes, content: [source.bytes] };
      return;
    }
    const published = this.#sources.homeOf(source);
    const isBrought = this.#tree.files === 'copied' || published === at;
    if (!isBrought && this.#sources.unlinkable.has(published)) {
      yield { type: 'file', path: at, attributes, sizeBytes, content: this.#sources.published(published) };
      return;
    }
    const home = isBrought ? this.#broughtOf(source.layer).place(source, path) : published;
    if (home !== at) yield { type: 'link', path: at, target: home };
  }

  #broughtOf(layer: Digest): Brought {
    const brought = this.contents.get(layer) ?? new Brought(this.#tree.root, this.#sources.treeOf(layer));
    this.contents.set(layer, brought);
    return brought;
  }
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
