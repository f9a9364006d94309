import type { Digest } from '../registry/digest.ts';
import type { Attributes, BytePath } from '../repository/entry.ts';

/** Where a file's bytes come from. */
export type FileSource =
  | {
      readonly kind: 'layer';
      readonly layer: Digest;
      /** Position of the member that carries the content among the members of the layer's archive. */
      readonly ordinal: number;
      /** Its place in the layer's own tree: the first of its names that is still there. */
      readonly path: BytePath;
    }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** A file. Names of one hard-linked file share one node: its identity is the inode's. */
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
  readonly children: ReadonlyMap<string, TreeNode>;
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

/** A directory of a layer's own tree. */
export interface LayerDirectoryNode {
  readonly type: 'directory';
  readonly attributes: Attributes;
  readonly xattrs: ReadonlyMap<string, string>;
  readonly children: ReadonlyMap<string, LayerNode>;
  /** What the layers below have in it is deleted. */
  readonly opaque: boolean;
  /** No member names it: it exists for its children, and the attributes of the layer below stay. */
  readonly implied: boolean;
}

export type LayerNode =
  LayerDirectoryNode | FileNode | SymbolicLinkNode | DeviceNode | WhiteoutNode | ForeignLinkNode;

/** A node of either kind of tree. */
export type AnyNode = TreeNode | LayerNode;

/** Attributes of what nobody described. The time is fixed so that the same input gives the same bytes. */
export const IMPLIED_ATTRIBUTES: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
export const NO_XATTRS: ReadonlyMap<string, string> = new Map();

export const EMPTY_TREE: DirectoryNode = {
  type: 'directory',
  attributes: IMPLIED_ATTRIBUTES,
  xattrs: NO_XATTRS,
  children: new Map(),
};

export function joinPath(folder: BytePath, name: string): BytePath {
  return folder === '' ? name : `${folder}/${name}`;
}
