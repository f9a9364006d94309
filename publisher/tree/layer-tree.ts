import { Failure } from '../../core/failure.ts';
import type { Listing } from '../layer/listing.ts';
import { PackedItems } from '../layer/listing-items.ts';
import type { ImageMeter } from '../image/image-limits.ts';
import type { Sliced } from '../../core/turns.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { displayPath, type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { unsafe } from '../layer/member-path.ts';
import { isCvmfsReserved } from './cvmfs-reserved.ts';
import { brokenLink, checkPlace, memberFolder, entryPath, resolvePath } from './resolve.ts';
import type { LayerDirectoryNode, LayerNode } from './node.ts';
import { PackedTree, type PackedDirectory } from './packed-tree.ts';

/** The prefix that marks deletions (OCI image specification 1.1, layer.md, "Whiteouts"). */
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Names in which AUFS kept its bookkeeping, and everything below them: not part of the image. */
const AUFS = /(^|\/)\.wh\.\.wh\.(?!\.opq$)/;

/** Changes that one layer makes to those below it, without knowing them. */
export interface LayerTree {
  readonly root: LayerDirectoryNode;
  /** Paths of members that were left out because CernVM-FS would act on them. */
  readonly dropped: readonly BytePath[];
  /** A hard link in it names a file of a layer below: such names are not published with the layer. */
  readonly hasForeignLinks: boolean;
  /** Path in the tree of the file with the content of a member, by its source; `undefined`: none. */
  readonly placeOf: (ordinal: number) => BytePath | undefined;
}

/**
 * The tree of one layer by itself: members applied in order, the last of a name wins, whiteouts as nodes. What stands
 * in the way of a member and is no directory gives way to one, as in an overlay mount, and as umoci has it from 0.5.
 *
 * @throws Failure `layer-refused` where a member's path leads through links in a circle, or to too long a path, or a
 *   whiteout is of no name; `layer-corrupt` for a hard link that leads nowhere
 */
export function* buildLayerTree(
  listing: Pick<Listing, 'items'>,
  layer: Digest,
  meter: ImageMeter,
): Sliced<LayerTree> {
  const items = PackedItems.of(listing.items);
  const tree = new PackedTree(items, layer);
  const building: Building = { tree, meter, near: undefined };
  const dropped: BytePath[] = [];
  for (let row = 0; row < items.length; row++) {
    meter.keep(1);
    if (meter.step()) yield;
    const path = items.pathAt(row);
    const isReserved = isCvmfsReserved(path);
    const isDropped = isReserved || isLinkToLeftOut(building, row, path);
    if (isDropped) dropped.push(path);
    if (isReserved || isAufsBook(path)) keepAside(building, row, path);
    else if (!isDropped) apply(building, row, path);
  }
  yield* finish(building);
  return {
    root: tree.root,
    dropped,
    hasForeignLinks: tree.hasForeignLinks,
    placeOf: (ordinal) => tree.placeOf(ordinal),
  };
}

function isAufsBook(path: BytePath): boolean {
  return path.includes('.wh..wh.') && AUFS.test(path);
}

/** Keeps the member for the hard links that name it. To those of other layers none leads, and none to a directory. */
function keepAside(building: Building, row: number, path: BytePath): void {
  const { tree } = building;
  const type = tree.items.typeAt(row);
  if (type === 'directory') return;
  const linked = type === 'link' ? ownEntry(building, tree.items.targetAt(row)) : undefined;
  if (linked === undefined) tree.setItem(tree.enter(tree.aside, path), row);
  else if (linked !== 0) tree.setSame(tree.enter(tree.aside, path), linked);
}

/** Reports whether the member is a hard link to a name left out of a layer below. Deletions may be of any type. */
function isLinkToLeftOut(building: Building, row: number, path: BytePath): boolean {
  const { tree } = building;
  if (tree.items.typeAt(row) !== 'link' || nameOf(path).startsWith(WHITEOUT)) return false;
  const target = tree.items.targetAt(row);
  return isCvmfsReserved(target) && ownEntry(building, target) === 0;
}

/** A tree while it is built: without the deletions, which nothing leads through. */
interface Building {
  readonly tree: PackedTree;
  readonly meter: ImageMeter;
  /** The folder of the last member, as long as its path leads there: most members have the same as the one before. */
  near: Place | undefined;
}

/** The directory that a path leads to, and where it is, symbolic links followed. */
interface Place {
  readonly path: BytePath;
  readonly at: BytePath;
  readonly folder: PackedDirectory;
}

function apply(building: Building, row: number, path: BytePath): void {
  const { tree } = building;
  if (path === '') {
    describeRoot(tree, row);
    return;
  }
  const name = nameOf(path);
  const parent = path.slice(0, Math.max(0, path.length - name.length - 1));
  const isDeletion = name.startsWith(WHITEOUT);
  const place = placeOf(building, parent, isDeletion);
  if (place === undefined) return;
  const { folder, at } = place;
  if (name === OPAQUE) {
    folder.opaque = true;
    return;
  }
  const named = isDeletion ? deletedName(path, name) : name;
  if (at !== parent) checkPlace(joinPath(at, named));
  if (isDeletion) {
    tree.deleted.add(tree.enter(folder, named));
    return;
  }
  applyMember(building, folder, row, name);
  markBringing(tree, folder);
}

/** Notes of a folder, and of those above it, that there is more in it than deletions: that stays so. */
function markBringing(tree: PackedTree, folder: PackedDirectory): void {
  for (let above = folder; !above.bringsAnything; above = tree.parentOf(above)) above.bringsAnything = true;
}

function nameOf(path: BytePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Directory that members below `path` go to. `undefined` for deletions that have nothing to delete. */
function placeOf(building: Building, path: BytePath, isDeletion: boolean): Place | undefined {
  if (building.near?.path === path) return building.near;
  // What leads nowhere, or is no directory, holds nothing that could be deleted.
  if (isDeletion && resolvePath<LayerNode>(building.tree.root, path, building.meter) === undefined)
    return undefined;
  building.near = folderAt(building, path, isDeletion);
  return building.near;
}

/**
 * The directory at `path`, symbolic links of this layer followed, made where something else is, or nothing; for a
 * deletion nothing gives way: `undefined`.
 */
function folderAt(building: Building, path: BytePath, isDeletion: boolean): Place | undefined {
  const { tree, meter } = building;
  const direct = folderOf(tree, path);
  if (direct !== undefined) return { path, at: path, folder: direct };
  const at = memberFolder<LayerNode>(tree.root, path, meter);
  let folder = tree.root;
  for (const component of at.split('/')) {
    if (component === '') continue;
    const entry = tree.enter(folder, component);
    const there = tree.directoryOf(entry);
    if (there === undefined && isDeletion && tree.nodeOf(entry).type !== 'whiteout') return undefined;
    if (there === undefined) meter.keep(1);
    meter.charge();
    folder = there ?? newDirectory(tree, entry);
  }
  return { path, at, folder };
}

/** A directory in the place of what an entry is. What this layer had there had taken the place of a directory below. */
function newDirectory(tree: PackedTree, entry: number): PackedDirectory {
  const isTaken = tree.nodeOf(entry).type !== 'whiteout';
  const directory = tree.setDirectory(entry);
  directory.opaque = isTaken;
  directory.implied = !isTaken;
  return directory;
}

/** The directory at exactly `path`. */
function folderOf(tree: PackedTree, path: BytePath): PackedDirectory | undefined {
  return path === '' ? tree.root : tree.directoryOf(entryAt(tree, path));
}

/** The entry at exactly `path`, which is not the root; 0: there is none. */
function entryAt(tree: PackedTree, path: BytePath): number {
  let entry = 0;
  let folder: PackedDirectory | undefined = tree.root;
  for (const component of path.split('/')) {
    if (folder === undefined) return 0;
    entry = tree.entries.find(folder.number, component);
    folder = tree.directoryOf(entry);
  }
  return entry;
}

/** Anything but a name would delete the folder itself, or what is above it. */
function deletedName(path: BytePath, whiteout: string): string {
  const name = whiteout.slice(WHITEOUT.length);
  if (!['', '.', '..'].includes(name)) return name;
  throw unsafe(`the whiteout ${displayPath(path)} names nothing that can be deleted`);
}

function describeRoot({ root, items }: PackedTree, row: number): void {
  const type = items.typeAt(row);
  if (type !== 'directory') {
    throw new Failure(
      'layer-refused',
      `a member that is the root itself is of type ${type}, not a directory`,
    );
  }
  root.describe(row);
}

function applyMember(building: Building, folder: PackedDirectory, row: number, name: string): void {
  const { tree } = building;
  const { items } = tree;
  const type = items.typeAt(row);
  // Looked up first: a link may name what it takes the place of.
  const linked = type === 'link' ? linkedEntry(building, row) : undefined;
  const entry = tree.enter(folder, name, items.nameAt(row));
  const there = tree.nodeOf(entry);
  if (type === 'directory') (tree.directoryOf(entry) ?? newDirectory(tree, entry)).describe(row);
  else if (linked === undefined) tree.setItem(entry, row);
  else if (typeof linked === 'number') tree.setSame(entry, linked);
  else tree.setForeign(entry, row, linked.target);
  // A path may lead elsewhere now.
  const isNew = there.type === 'whiteout';
  if (!isNew || (type !== 'file' && type !== 'directory')) building.near = undefined;
}

/** Target of a hard link: an entry of this layer, or a path to look up in those below. */
function linkedEntry(building: Building, row: number): number | { readonly target: BytePath } {
  const { tree, meter } = building;
  const { items, root } = tree;
  const [path, link] = [items.pathAt(row), items.targetAt(row)];
  const own = ownEntry(building, link);
  if (own !== 0) return own;
  const target = entryPath<LayerNode>(root, link, meter);
  if (target === undefined) throw brokenLink(path, link);
  const directory = folderOf(tree, target);
  if (directory !== undefined && (!directory.implied || directory.bringsAnything))
    throw new Failure('layer-refused', `the hard link ${displayPath(path)} names a directory`);
  return { target };
}

/** Entry of this layer at `path`, or aside, that can have further names; 0: none. */
function ownEntry({ tree, meter }: Building, path: BytePath): number {
  const aside = tree.entries.find(tree.aside.number, path);
  if (aside !== 0) return aside;
  const at = entryPath<LayerNode>(tree.root, path, meter);
  const entry = at === undefined || at === '' ? 0 : entryAt(tree, at);
  const { type } = tree.nodeOf(entry);
  return type === 'whiteout' || type === 'directory' ? 0 : entry;
}

/** A directory whose entries are gone through. */
interface Open {
  readonly directory: PackedDirectory;
  /** 0: none is left. */
  next: number;
  isWhole: boolean;
}

/** Settles the state of directories once all members are applied. Children first. */
function* finish({ tree, meter }: Building): Sliced<void> {
  const open: Open[] = [opened(tree.root)];
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    if (meter.step()) yield;
    const entry = last.next;
    if (entry === 0) {
      open.pop();
      close(tree, last, open.at(-1));
      continue;
    }
    last.next = tree.entries.after(entry);
    const node = tree.nodeOf(entry);
    const child = tree.directoryOf(entry);
    if (child !== undefined) open.push(opened(child));
    else if (node.type === 'file') tree.addHome(entry);
    else if (node.type === 'whiteout' || node.type === 'foreign-link') last.isWhole = false;
  }
}

function opened(directory: PackedDirectory): Open {
  return { directory, next: directory.first, isWhole: !directory.implied };
}

function close(tree: PackedTree, { directory, isWhole }: Open, above: Open | undefined): void {
  directory.isWhole = isWhole && !directory.opaque;
  if (above === undefined) return;
  if (tree.deleted.has(directory.entry)) takePlaceOfDeleted(tree, directory);
  above.isWhole &&= directory.isWhole;
}

/** The directory below is gone: what is there now has nothing of it. */
function takePlaceOfDeleted(tree: PackedTree, directory: PackedDirectory): void {
  if (directory.implied && !directory.bringsAnything) {
    tree.setNothing(directory.entry);
    return;
  }
  directory.opaque = true;
  directory.implied = false;
  directory.isWhole = false;
}
