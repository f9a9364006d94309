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
import { brokenLink, memberFolder, noDirectory } from './member-place.ts';
import { isOrder } from './orders.ts';
import { entryPath, nodeAt, resolvePath } from './resolve.ts';

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
    else if (!isAufsBook(item.path)) apply(root, { item, name, ordinal });
  });
  return { root: freeze(root, '', { layer, seen: new Map() }), dropped };
}

function isAufsBook(path: BytePath): boolean {
  return path.includes('.wh..wh.') && AUFS.test(path);
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
  const parent = item.path.slice(0, Math.max(0, item.path.length - name.length - 1));
  const isDeletion = name.startsWith(WHITEOUT);
  // What leads nowhere, or is no directory, holds nothing that could be deleted.
  if (isDeletion && resolvePath<DraftNode>(root, parent) === undefined) return;
  const folder = folderOf(root, parent);
  if (folder === undefined) {
    if (isDeletion) return;
    throw noDirectory(parent);
  }
  if (name === OPAQUE) folder.opaque = true;
  else if (isDeletion) folder.whiteouts.add(deletedName(item.path, name));
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

/** A hard link shares the node that it names; what no member of this layer is is sought in those below. */
function linked(root: Draft, item: ListingItem): DraftNode {
  const target = entryPath<DraftNode>(root, item.target);
  if (target === undefined) throw brokenLink(item.path, item.target);
  const node = nodeAt<DraftNode>(root, target);
  if (node?.type === 'directory' && isBrought(node)) {
    throw new Failure('layer-refused', `the hard link ${displayPath(item.path)} names a directory`);
  }
  if (node !== undefined && node.type !== 'directory') return node;
  return { type: 'foreign-link', target };
}

/** Whether a member is the directory, or lies below it: otherwise only deletions do. */
function isBrought({ implied, children }: Draft): boolean {
  return !implied || [...children.values()].some((child) => child.type !== 'directory' || isBrought(child));
}

/** The directory at `path`, made where it is missing, symbolic links of this layer followed; `undefined`: it is none. */
function folderOf(root: Draft, path: BytePath): Draft | undefined {
  const direct = nodeAt<DraftNode>(root, path);
  if (direct?.type === 'directory') return direct;
  let folder = root;
  for (const component of memberFolder<DraftNode>(root, path).split('/')) {
    if (component === '') continue;
    const next = folder.children.get(component) ?? newDirectory(true, IMPLIED_ATTRIBUTES, NO_XATTRS);
    if (next.type !== 'directory') return undefined;
    folder.children.set(component, next);
    folder = next;
  }
  return folder;
}

interface Freezing {
  readonly layer: Digest;
  readonly seen: Map<DraftFile, FileNode>;
}

/** Turns whiteouts into nodes. */
function freeze(draft: Draft, path: BytePath, freezing: Freezing): LayerDirectoryNode {
  const children = new Map<string, LayerNode>();
  for (const [name, child] of draft.children) {
    if (child.type === 'directory') {
      const frozen = freeze(child, joinPath(path, name), freezing);
      children.set(name, draft.whiteouts.has(name) ? inPlaceOfDeleted(frozen) : frozen);
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

/** The directory below is gone: what is there now has nothing of it. */
function inPlaceOfDeleted(directory: LayerDirectoryNode): LayerNode {
  if (directory.implied && !bringsAnything(directory)) return { type: 'whiteout' };
  return { ...directory, opaque: true, implied: false };
}

/** Whether there is more in it than deletions. */
export function bringsAnything({ children }: LayerDirectoryNode): boolean {
  for (const child of children.values()) {
    if (child.type === 'whiteout') continue;
    if (child.type !== 'directory' || !child.implied || bringsAnything(child)) return true;
  }
  return false;
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
