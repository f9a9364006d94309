import { Failure } from '../../wishlist/failure.ts';
import type { Listing, ListingItem } from '../layer/listing.ts';
import type { Digest } from '../registry/digest.ts';
import { displayPath, type Attributes, type BytePath } from '../repository/entry.ts';
import {
  IMPLIED_ATTRIBUTES,
  NO_XATTRS,
  joinPath,
  type DeviceNode,
  type FileNode,
  type ForeignLinkNode,
  type LayerDirectoryNode,
  type LayerNode,
  type SymbolicLinkNode,
} from './node.ts';
import { nodeAt, resolvePath } from './resolve.ts';

/** The prefix that marks deletions (OCI image specification 1.1, layer.md, "Whiteouts"). */
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Names in which AUFS kept its own books: no part of the image. */
const AUFS = '.wh..wh.';

/** Names by which CernVM-FS takes orders: a file of an image must not give any. */
const CVMFS_ORDERS = /^\.cvmfs(catalog|dirtab|graft-.*)$/s;

/** What one layer does to those below it, without knowing them. */
export interface LayerTree {
  readonly root: LayerDirectoryNode;
  /** Paths of members that were left out because CernVM-FS would act on them. */
  readonly dropped: readonly BytePath[];
}

/**
 * The tree of one layer by itself: members applied in order, the last of a name wins, whiteouts as nodes.
 *
 * @throws Failure `layer-refused` where a member's path leads through a file, or through links in a circle
 */
export function buildLayerTree(listing: Listing, layer: Digest): LayerTree {
  const root = newDirectory(true, IMPLIED_ATTRIBUTES, NO_XATTRS);
  const dropped: BytePath[] = [];
  listing.items.forEach((item, ordinal) => {
    const name = item.path.slice(item.path.lastIndexOf('/') + 1);
    if (CVMFS_ORDERS.test(name)) dropped.push(item.path);
    else apply(root, { item, name, ordinal });
  });
  return { root: freeze(root, '', { layer, seen: new Map() }), dropped };
}

/** A directory while the tree is built. */
interface Draft {
  readonly type: 'directory';
  attributes: Attributes;
  xattrs: ReadonlyMap<string, string>;
  implied: boolean;
  opaque: boolean;
  readonly whiteouts: Set<string>;
  readonly children: Map<string, DraftNode>;
}

/** A file whose place is known only when all members are applied. */
interface DraftFile {
  readonly type: 'file';
  readonly item: ListingItem;
  readonly ordinal: number;
}

type DraftNode = Draft | DraftFile | SymbolicLinkNode | DeviceNode | ForeignLinkNode;

interface Placed {
  readonly item: ListingItem;
  readonly name: string;
  readonly ordinal: number;
}

function newDirectory(implied: boolean, attributes: Attributes, xattrs: ReadonlyMap<string, string>): Draft {
  return {
    type: 'directory',
    attributes,
    xattrs,
    implied,
    opaque: false,
    whiteouts: new Set(),
    children: new Map(),
  };
}

function apply(root: Draft, { item, name, ordinal }: Placed): void {
  if (item.path === '') {
    describeRoot(root, item);
    return;
  }
  const folder = folderOf(
    root,
    item.path.slice(0, Math.max(0, item.path.length - name.length - 1)),
    item.path,
  );
  if (name === OPAQUE) folder.opaque = true;
  else if (name.startsWith(AUFS)) return;
  else if (name.startsWith(WHITEOUT)) folder.whiteouts.add(name.slice(WHITEOUT.length));
  else if (item.type === 'directory') applyDirectory(folder, name, item);
  else folder.children.set(name, toNode(root, item, ordinal));
}

function describeRoot(root: Draft, item: ListingItem): void {
  if (item.type !== 'directory') {
    throw new Failure(
      'layer-refused',
      `a member that is the root itself is of type ${item.type}, not a directory`,
    );
  }
  Object.assign(root, { attributes: item.attributes, xattrs: item.xattrs, implied: false });
}

function applyDirectory(folder: Draft, name: string, item: ListingItem): void {
  const there = folder.children.get(name);
  if (there?.type === 'directory') {
    Object.assign(there, { attributes: item.attributes, xattrs: item.xattrs, implied: false });
  } else {
    folder.children.set(name, newDirectory(false, item.attributes, item.xattrs));
  }
}

function toNode(root: Draft, item: ListingItem, ordinal: number): DraftNode {
  switch (item.type) {
    case 'file':
      return { type: 'file', item, ordinal };
    case 'symlink':
      return { type: 'symlink', attributes: item.attributes, target: item.target };
    case 'link':
      return linked(root, item);
    case 'character-device':
    case 'block-device':
    case 'fifo':
      return { type: item.type, attributes: item.attributes, major: item.major, minor: item.minor };
    case 'directory':
      throw new Error('directories are applied elsewhere');
  }
}

/** A hard link shares the node that it names; what this layer does not hold is sought in those below. */
function linked(root: Draft, item: ListingItem): DraftNode {
  const slash = item.target.lastIndexOf('/');
  const folder = slash === -1 ? '' : resolvePath<DraftNode>(root, item.target.slice(0, slash));
  const target = folder === undefined ? undefined : joinPath(folder, item.target.slice(slash + 1));
  const node = target === undefined ? undefined : nodeAt<DraftNode>(root, target);
  if (node?.type === 'directory') {
    throw new Failure('layer-refused', `the hard link ${displayPath(item.path)} names a directory`);
  }
  return node ?? { type: 'foreign-link', target: item.target };
}

/** The directory at `path`, made where it is missing, symbolic links of this layer followed. */
function folderOf(root: Draft, path: BytePath, member: BytePath): Draft {
  let folder = root;
  const direct = nodeAt<DraftNode>(root, path);
  if (direct?.type === 'directory') return direct;
  const resolved = resolvePath<DraftNode>(root, path);
  for (const component of resolved?.split('/') ?? [undefined]) {
    if (component === '') continue;
    const next = component === undefined ? undefined : folder.children.get(component);
    if (component === undefined || (next !== undefined && next.type !== 'directory')) {
      throw new Failure(
        'layer-refused',
        `the layer's member ${displayPath(member)} lies below something that is no directory`,
      );
    }
    const made = next ?? newDirectory(true, IMPLIED_ATTRIBUTES, NO_XATTRS);
    folder.children.set(component, made);
    folder = made;
  }
  return folder;
}

interface Freezing {
  readonly layer: Digest;
  readonly seen: Map<DraftFile, FileNode>;
}

/** Turns whiteouts into nodes: where the name is there again, the deletion means what lies below it. */
function freeze(draft: Draft, path: BytePath, freezing: Freezing): LayerDirectoryNode {
  const children = new Map<string, LayerNode>();
  for (const [name, child] of draft.children) {
    if (child.type === 'directory') {
      child.opaque ||= draft.whiteouts.has(name);
      children.set(name, freeze(child, joinPath(path, name), freezing));
    } else if (child.type === 'file') {
      children.set(name, freezeFile(child, joinPath(path, name), freezing));
    } else {
      children.set(name, child);
    }
  }
  for (const name of draft.whiteouts) if (!children.has(name)) children.set(name, { type: 'whiteout' });
  const { attributes, xattrs, opaque, implied } = draft;
  return { type: 'directory', attributes, xattrs, children, opaque, implied };
}

function freezeFile(draft: DraftFile, path: BytePath, { layer, seen }: Freezing): FileNode {
  const known = seen.get(draft);
  if (known !== undefined) return known;
  const { attributes, xattrs, sizeBytes } = draft.item;
  const source = { kind: 'layer', layer, ordinal: draft.ordinal, path } as const;
  const node: FileNode = { type: 'file', attributes, xattrs, sizeBytes, source };
  seen.set(draft, node);
  return node;
}
