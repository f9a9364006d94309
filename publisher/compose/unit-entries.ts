import { layerContents } from '../layer/content.ts';
import { layerRoot } from '../layout.ts';
import type { Digest } from '../registry/digest.ts';
import type { BytePath, DirectoryEntry, Entry, FileEntry, HardLinkEntry } from '../repository/entry.ts';
import { CATALOG_MARKER, catalogFolders } from '../tree/catalogs.ts';
import {
  IMPLIED_ATTRIBUTES,
  joinPath,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
  type AnyNode,
  type TreeNode,
} from '../tree/node.ts';
import type { UnitTree } from './unit.ts';

export interface UnitSources {
  /** Where the verified blob of a layer lies as a file. */
  readonly blobOf: (layer: Digest) => string;
  /** What a hard link to a lower layer is, by its path in the image. Only layers' own trees have such links. */
  readonly foreignNode: (path: BytePath) => TreeNode | undefined;
}

/**
 * The entries of one unit: its directories, links and devices, then the contents that it brings, layer by layer in the
 * order of their archives, then hard links.
 */
export async function* unitEntries(unit: UnitTree, sources: UnitSources): AsyncGenerator<Entry> {
  yield* unit.beside;
  if (unit.root !== unit.path) yield marker(unit.path);
  const placing = new Placing(unit, sources);
  yield* placing.walk(unit.tree, '');
  for (const [layer, wanted] of placing.contents) yield* layerContents(sources.blobOf(layer), wanted);
  yield* placing.links;
}

/** Marks `folder` as the root of a nested catalog. */
function marker(folder: BytePath): FileEntry {
  const attributes = { ...IMPLIED_ATTRIBUTES, mode: 0o644 };
  return { type: 'file', path: `${folder}/${CATALOG_MARKER}`, attributes, sizeBytes: 0, content: [] };
}

/** One walk over a unit's tree: gives what has no content at once, and notes where contents and links belong. */
class Placing {
  readonly contents = new Map<Digest, Map<number, BytePath>>();
  readonly links: HardLinkEntry[] = [];
  readonly #unit: UnitTree;
  readonly #sources: UnitSources;
  readonly #catalogs: Set<BytePath>;
  /** Where the content of a file was placed. */
  readonly #homes = new Map<FileNode, BytePath>();

  constructor(unit: UnitTree, sources: UnitSources) {
    this.#unit = unit;
    this.#sources = sources;
    this.#catalogs = catalogFolders(unit.tree);
    if (unit.root === unit.path) this.#catalogs.add('');
  }

  *walk(directory: DirectoryNode | LayerDirectoryNode, path: BytePath): Generator<Entry> {
    const at = path === '' ? this.#unit.root : joinPath(this.#unit.root, path);
    const entry: DirectoryEntry = { type: 'directory', path: at, attributes: directory.attributes };
    yield entry;
    if (this.#catalogs.has(path)) yield marker(at);
    for (const [name, child] of directory.children) yield* this.#child(child, joinPath(path, name));
  }

  *#child(node: AnyNode, path: BytePath): Generator<Entry> {
    const at = joinPath(this.#unit.root, path);
    switch (node.type) {
      case 'directory':
        yield* this.walk(node, path);
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
      case 'foreign-link': {
        const target = this.#sources.foreignNode(path);
        if (target !== undefined) yield* this.#child(target, path);
        return;
      }
      case 'character-device':
      case 'block-device':
      case 'fifo':
        yield {
          type: node.type,
          path: at,
          attributes: node.attributes,
          major: node.major,
          minor: node.minor,
        };
        return;
    }
  }

  *#file(node: FileNode, path: BytePath, at: BytePath): Generator<Entry> {
    const { source, attributes, sizeBytes } = node;
    if (source.kind === 'bytes') {
      yield { type: 'file', path: at, attributes, sizeBytes, content: [source.bytes] };
      return;
    }
    const home = this.#homeOf(node, path);
    if (home !== at) {
      this.links.push({ type: 'link', path: at, target: home });
      return;
    }
    const wanted = this.contents.get(source.layer) ?? new Map<number, BytePath>();
    this.contents.set(source.layer, wanted.set(source.ordinal, at));
  }

  #homeOf(node: FileNode, path: BytePath): BytePath {
    const { source } = node;
    if (source.kind === 'bytes') throw new Error('a file of our own making is no link');
    if (this.#unit.files !== 'copied') return joinPath(layerRoot(source.layer), source.path);
    const home = this.#homes.get(node) ?? joinPath(this.#unit.root, path);
    this.#homes.set(node, home);
    return home;
  }
}

/** Kernel overlay takes a character device 0:0 for a deletion, whatever its mode. */
const WHITEOUT_ATTRIBUTES = { ...IMPLIED_ATTRIBUTES, mode: 0 };
