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
import { memberFolder, noDirectory } from './member-folder.ts';
import { isOrder } from './orders.ts';
import { entryAt, nodeAt } from './resolve.ts';

/** The prefix that marks deletions (OCI image specification 1.1, layer.md, "Whiteouts"). */
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Names in which AUFS kept its own books, and what lies below them: no part of the image. */
const AUFS = /(^|\/)\.wh\.\.wh\.(?!\.opq$)/;

/** What one layer does to those below it, without knowing them. */
export interface LayerTree {
  readonly root: LayerDirectoryNode;
  /** Paths of members that were left out because CernVM-FS would act on them. */
  readonly dropped: readonly BytePath[];
}

/**
 * The tree of one layer by itself: members applied in order, the last of a name wins, whiteouts as nodes.
 *
 * @throws Failure `layer-refused` where a member's path leads through a file, or through links in a circle, or a
 *   whiteout is of no name
 */
export function buildLayerTree(listing: Listing, layer: Digest): LayerTree {
  const root = newDirectory(true, IMPLIED_ATTRIBUTES, NO_XATTRS);
  const dropped: BytePath[] = [];
  listing.items.forEach((item, ordinal) => {
    const name = item.path.slice(item.path.lastIndexOf('/') + 1);
    if (isOrder(item.path)) dropped.push(item.path);
    else if (!AUFS.test(item.path)) apply(root, { item, name, ordinal });
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
  const folder = folderOf(root, item.path.slice(0, Math.max(0, item.path.length - name.length - 1)));
  if (name === OPAQUE) folder.opaque = true;
  else if (name.startsWith(WHITEOUT)) folder.whiteouts.add(deletedName(item.path, name));
  else if (item.type === 'directory') applyDirectory(folder, name, item);
  else folder.children.set(name, toNode(root, item, ordinal));
}

/** Anything but a name would delete the folder itself, or what is above it. */
function deletedName(path: BytePath, whiteout: string): string {
  const name = whiteout.slice(WHITEOUT.length);
  if (!['', '.', '..'].includes(name)) return name;
  throw new Failure('layer-refused', `the whiteout ${displayPath(path)} names nothing that can be deleted`, {
    hint: 'such a layer cannot be unpacked safely: rebuild the image',
  });
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
    const made = newDirectory(false, item.attributes, item.xattrs);
    // What this layer had there had taken the place of a directory below.
    made.opaque = there !== undefined;
    folder.children.set(name, made);
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
  const node = entryAt<DraftNode>(root, item.target);
  if (node?.type === 'directory') {
    throw new Failure('layer-refused', `the hard link ${displayPath(item.path)} names a directory`);
  }
  return node ?? { type: 'foreign-link', target: item.target };
}

/** The directory at `path`, made where it is missing, symbolic links of this layer followed. */
function folderOf(root: Draft, path: BytePath): Draft {
  const direct = nodeAt<DraftNode>(root, path);
  if (direct?.type === 'directory') return direct;
  let folder = root;
  for (const component of memberFolder<DraftNode>(root, path).split('/')) {
    if (component === '') continue;
    const next = folder.children.get(component) ?? newDirectory(true, IMPLIED_ATTRIBUTES, NO_XATTRS);
    if (next.type !== 'directory') throw noDirectory(path);
    folder.children.set(component, next);
    folder = next;
  }
  return folder;
}

interface Freezing {
  readonly layer: Digest;
  readonly seen: Map<DraftFile, FileNode>;
}

/** Turns whiteouts into nodes. Where the name is there again as a directory, it has nothing to do with the one below. */
function freeze(draft: Draft, path: BytePath, freezing: Freezing): LayerDirectoryNode {
  const children = new Map<string, LayerNode>();
  for (const [name, child] of draft.children) {
    if (child.type === 'directory') {
      if (draft.whiteouts.has(name)) Object.assign(child, { opaque: true, implied: false });
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
