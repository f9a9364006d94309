import type { PackedItems } from '../layer/listing-items.ts';
import { Column, WORDS_32 } from '../packed/column.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { Attributes } from '../publication/entry.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { Entries } from './entries.ts';
import {
  IMPLIED_ATTRIBUTES,
  NO_XATTRS,
  type Children,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
  type LayerNode,
  type LayerSource,
} from './node.ts';

/** Values of entries: nothing (the name is deleted), the item in a row, or a directory. */
const NOTHING = 0;
const FIRST_DIRECTORY = 2 ** 31;

/** Numbers of the directories that every tree has. */
const ROOT = 0;
const ASIDE = 1;

/**
 * The tree of one layer, packed: a directory is an object, everything else a few numbers that become nodes when they are
 * asked for. So two nodes of one file are equal, not the same; {@link FileNode.source} tells files apart.
 */
export class PackedTree {
  readonly items: PackedItems;
  readonly entries: Entries;
  readonly layer: Digest;
  readonly #directories: PackedDirectory[] = [];
  /** For each item that is a file: the first entry that it has. */
  readonly #homes = new Column(WORDS_32);
  readonly #foreignTargets = new Map<number, BytePath>();
  /** Entries that are deleted in the layers below, whatever this layer has there. */
  readonly deleted = new Set<number>();
  /** The folder that was asked for last: files are asked for folder by folder. */
  #near = { directory: 0, path: '' };

  constructor(items: PackedItems, layer: Digest) {
    this.items = items;
    this.entries = new Entries(items.texts);
    this.layer = layer;
    for (const number of [ROOT, ASIDE]) this.#directories.push(new PackedDirectory(this, number, 0));
  }

  get root(): PackedDirectory {
    return this.directory(ROOT);
  }

  /** Items outside the tree, by whole paths: hard links may still name them. */
  get aside(): PackedDirectory {
    return this.directory(ASIDE);
  }

  directory(number: number): PackedDirectory {
    const directory = this.#directories[number];
    if (directory === undefined) throw new Error(`there is no directory ${number}`);
    return directory;
  }

  /** The directory that one is in; the root's is itself. */
  parentOf({ entry }: PackedDirectory): PackedDirectory {
    return this.directory(this.entries.directoryOf(entry));
  }

  /** The node of an entry; of what is only deleted, or not there at all, a whiteout. */
  nodeOf(entry: number): LayerNode {
    const value = this.entries.valueOf(entry);
    if (value >= FIRST_DIRECTORY) return this.directory(value - FIRST_DIRECTORY);
    return value === NOTHING ? { type: 'whiteout' } : this.#itemNode(value - 1);
  }

  /** The directory that an entry is; `undefined`: it is something else, or there is no such entry. */
  directoryOf(entry: number): PackedDirectory | undefined {
    const value = this.entries.valueOf(entry);
    return value >= FIRST_DIRECTORY ? this.directory(value - FIRST_DIRECTORY) : undefined;
  }

  /** The entry `name` of `folder`, made where it is missing. `position`: where the name is among the texts. */
  enter(folder: PackedDirectory, name: string, position?: number): number {
    const known = this.entries.find(folder.number, name);
    if (known !== 0) return known;
    const entry = this.entries.add(folder.number, name, position);
    if (folder.last === 0) folder.first = entry;
    else this.entries.setAfter(folder.last, entry);
    folder.last = entry;
    return entry;
  }

  setItem(entry: number, row: number): void {
    this.entries.setValue(entry, row + 1);
  }

  /** Lets an entry be what another one is: a further name of it. */
  setSame(entry: number, other: number): void {
    this.entries.setValue(entry, this.entries.valueOf(other));
  }

  /** Lets an entry be a hard link, the item in `row`, to what a layer below has at `target`. */
  setForeign(entry: number, row: number, target: BytePath): void {
    this.setItem(entry, row);
    this.#foreignTargets.set(row, target);
  }

  get hasForeignLinks(): boolean {
    return this.#foreignTargets.size > 0;
  }

  setDirectory(entry: number): PackedDirectory {
    const number = this.#directories.length;
    const directory = new PackedDirectory(this, number, entry);
    this.#directories.push(directory);
    this.entries.setValue(entry, FIRST_DIRECTORY + number);
    return directory;
  }

  /** Lets an entry be nothing but deleted. */
  setNothing(entry: number): void {
    this.entries.setValue(entry, NOTHING);
  }

  /** Notes the first entry of a file. */
  addHome(entry: number): void {
    const row = this.entries.valueOf(entry) - 1;
    if (this.#homes.at(row) === 0) this.#homes.set(row, entry);
  }

  /** The first path of the file in `row`; `undefined`: the tree does not have it. */
  placeOf(row: number): BytePath | undefined {
    const entry = this.#homes.at(row);
    if (entry === 0) return undefined;
    const directory = this.entries.directoryOf(entry);
    if (this.#near.directory !== directory) this.#near = { directory, path: this.#pathOf(directory) };
    return joinPath(this.#near.path, this.entries.nameOf(entry));
  }

  #pathOf(number: number): BytePath {
    const names: string[] = [];
    for (let { entry } = this.directory(number); entry !== 0;) {
      names.push(this.entries.nameOf(entry));
      entry = this.directory(this.entries.directoryOf(entry)).entry;
    }
    return names.toReversed().join('/');
  }

  #itemNode(row: number): LayerNode {
    const type = this.items.typeAt(row);
    switch (type) {
      case 'file':
        return new PackedFile(this, row);
      case 'symlink':
        return { type, attributes: this.items.attributesAt(row), target: this.items.targetAt(row) };
      case 'link':
        return { type: 'foreign-link', target: this.#foreignTargets.get(row) ?? '' };
      case 'character-device':
      case 'block-device':
      case 'fifo': {
        const [major, minor] = this.items.deviceAt(row);
        return { type, attributes: this.items.attributesAt(row), major, minor };
      }
      case 'directory':
        throw new Error('directories are objects of their own');
    }
  }
}

/** A directory of a packed tree. Only whoever builds the tree changes it. */
export class PackedDirectory implements LayerDirectoryNode {
  readonly number: number;
  /** 0: the root. */
  readonly entry: number;
  /** The first and the last entry in it; 0: it is empty. */
  first = 0;
  last = 0;
  opaque = false;
  implied = true;
  bringsAnything = false;
  /** Nothing in it depends on layers below: it is the same without them. */
  isWhole = false;
  readonly #tree: PackedTree;
  /** The item that describes it; without one it has the implied attributes. */
  #row: number | undefined;

  constructor(tree: PackedTree, number: number, entry: number) {
    this.#tree = tree;
    this.number = number;
    this.entry = entry;
  }

  get type(): 'directory' {
    return 'directory';
  }

  get attributes(): Attributes {
    return this.#row === undefined ? IMPLIED_ATTRIBUTES : this.#tree.items.attributesAt(this.#row);
  }

  get xattrs(): ReadonlyMap<string, string> {
    return this.#row === undefined ? NO_XATTRS : this.#tree.items.xattrsAt(this.#row);
  }

  get children(): Children<LayerNode> {
    return new PackedChildren(this.#tree, this);
  }

  /** Takes the attributes of the item in `row`. */
  describe(row: number): void {
    this.#row = row;
    this.implied = false;
  }
}

/** Reports whether a layer's directory can be shared by a root file system as it is, not merged. */
export function isWhole(directory: LayerDirectoryNode): directory is LayerDirectoryNode & DirectoryNode {
  return directory instanceof PackedDirectory && directory.isWhole;
}

class PackedChildren implements Children<LayerNode> {
  readonly #tree: PackedTree;
  readonly #directory: PackedDirectory;

  constructor(tree: PackedTree, directory: PackedDirectory) {
    this.#tree = tree;
    this.#directory = directory;
  }

  has(name: string): boolean {
    return this.#tree.entries.find(this.#directory.number, name) !== 0;
  }

  get(name: string): LayerNode | undefined {
    const entry = this.#tree.entries.find(this.#directory.number, name);
    return entry === 0 ? undefined : this.#tree.nodeOf(entry);
  }

  *[Symbol.iterator](): Generator<[string, LayerNode]> {
    const { entries } = this.#tree;
    for (let entry = this.#directory.first; entry !== 0; entry = entries.after(entry))
      yield [entries.nameOf(entry), this.#tree.nodeOf(entry)];
  }
}

class PackedFile implements FileNode {
  readonly #tree: PackedTree;
  readonly #row: number;

  constructor(tree: PackedTree, row: number) {
    this.#tree = tree;
    this.#row = row;
  }

  get type(): 'file' {
    return 'file';
  }

  get attributes(): Attributes {
    return this.#tree.items.attributesAt(this.#row);
  }

  get xattrs(): ReadonlyMap<string, string> {
    return this.#tree.items.xattrsAt(this.#row);
  }

  get sizeBytes(): number {
    return this.#tree.items.sizeAt(this.#row);
  }

  get source(): LayerSource {
    return new PackedSource(this.#tree, this.#row);
  }
}

/** Most of those who ask for a source do not need the path. */
class PackedSource implements LayerSource {
  readonly #tree: PackedTree;
  readonly ordinal: number;

  constructor(tree: PackedTree, ordinal: number) {
    this.#tree = tree;
    this.ordinal = ordinal;
  }

  get kind(): 'layer' {
    return 'layer';
  }

  get layer(): Digest {
    return this.#tree.layer;
  }

  get path(): BytePath {
    return this.#tree.placeOf(this.ordinal) ?? '';
  }
}
