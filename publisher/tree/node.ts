import { NO_XATTRS } from '../layer/pax.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Attributes } from '../publication/entry.ts';
import { joinPath, type BytePath } from '../../core/system/byte-path.ts';

/** A file's bytes are those of a member of a layer. */
export interface LayerSource {
  readonly kind: 'layer';
  readonly layer: Digest;
  /** Position of the member that carries the content among the members of the layer's archive. */
  readonly ordinal: number;
  /** Its place in the layer's own tree: the first of its names that is still there. */
  readonly path: BytePath;
}

/** Source of a file's bytes. */
export type FileSource = LayerSource | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Children of a directory, by name and in a fixed order. A map of nodes is one. */
export interface Children<N> extends Iterable<readonly [name: string, node: N]> {
  has(name: string): boolean;
  get(name: string): N | undefined;
}

/**
 * A file. Names of one hard-linked file have equal sources, and names of different files different ones: the nodes
 * themselves may be made each time that they are asked for.
 */
export interface FileNode {
  readonly type: 'file';
  readonly attributes: Attributes;
  readonly xattrs: ReadonlyMap<string, string>;
  readonly sizeBytes: number;
  readonly source: FileSource;
}

export interface SymbolicLinkNode {
  readonly type: 'symlink';
  readonly attributes: Attributes;
  readonly target: string;
}

export interface DeviceNode {
  readonly type: 'character-device' | 'block-device' | 'fifo';
  readonly attributes: Attributes;
  readonly major: number;
  readonly minor: number;
}

/** A directory of a merged tree. Never changed once made, so that trees share what they have in common. */
export interface DirectoryNode {
  readonly type: 'directory';
  readonly attributes: Attributes;
  readonly xattrs: ReadonlyMap<string, string>;
  readonly children: Children<TreeNode>;
}

/** A root file system: what layers merge into. */
export type TreeNode = DirectoryNode | FileNode | SymbolicLinkNode | DeviceNode;

/** In a layer: the name is deleted from the layers below. */
export interface WhiteoutNode {
  readonly type: 'whiteout';
}

/** In a layer: a further name of a file that a layer below holds. */
export interface ForeignLinkNode {
  readonly type: 'foreign-link';
  /** Path in the image. */
  readonly target: BytePath;
}

export interface LayerDirectoryNode extends Omit<DirectoryNode, 'children'> {
  readonly children: Children<LayerNode>;
  /** Everything in it is deleted in the layers below. */
  readonly opaque: boolean;
  /** No member names it: it exists for its children, and the attributes of the layer below stay. */
  readonly implied: boolean;
  /** There is more in it than deletions. */
  readonly bringsAnything: boolean;
}

export type LayerNode =
  LayerDirectoryNode | FileNode | SymbolicLinkNode | DeviceNode | WhiteoutNode | ForeignLinkNode;

export type AnyNode = TreeNode | LayerNode;

/** Attributes of what nobody described. The time is fixed so that the same input gives the same bytes. */
export { NO_XATTRS };
export const IMPLIED_ATTRIBUTES: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };

export const EMPTY_TREE: DirectoryNode = {
  type: 'directory',
  attributes: IMPLIED_ATTRIBUTES,
  xattrs: NO_XATTRS,
  children: new Map(),
};

/** Any kind of tree, as far as a walk needs it. */
interface Walkable<N> {
  readonly type: string;
  readonly children?: Iterable<readonly [name: string, node: N]>;
}

export interface Visit<N> {
  readonly path: BytePath;
  readonly node: N;
  /** Parent; `undefined` for the root. */
  readonly folder: N | undefined;
}

/** A directory whose children are being visited. */
interface Open<N> {
  readonly path: BytePath;
  readonly node: N;
  readonly rest: Iterator<readonly [name: string, node: N]>;
}

/**
 * Visits the nodes of a tree, its root first, parents before children and these in their order. However deep the tree is, a step
 * costs the same, and takes no stack.
 */
export function* walk<N extends Walkable<N>>(root: N): Generator<Visit<N>> {
  yield { path: '', node: root, folder: undefined };
  const open = [opened('', root)];
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const next = last.rest.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    const [name, node] = next.value;
    const path = joinPath(last.path, name);
    yield { path, node, folder: last.node };
    if (node.children !== undefined) open.push(opened(path, node));
  }
}

function opened<N extends Walkable<N>>(path: BytePath, node: N): Open<N> {
  return { path, node, rest: (node.children ?? [])[Symbol.iterator]() };
}

/** The same for a tree of whatever kind. */
export function walkAny(root: AnyNode): Generator<Visit<AnyNode>> {
  return walk<AnyNode>(root);
}
