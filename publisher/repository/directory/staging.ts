import {
  accessSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  chmodSync,
  lchownSync,
  type Stats,
} from 'node:fs';
import { Failure } from '../../../core/failure.ts';
import { hasCode } from '../../../core/system-error.ts';
import { displayPath, pathBelow, type BytePath } from '../../../core/system/byte-path.ts';
import { AttributesColumn, Column, WORDS_32 } from '../../packed/column.ts';
import { TextPool } from '../../packed/text-pool.ts';
import type {
  Attributes,
  Entry,
  ExtendedAttributes,
  FileEntry,
  HardLinkEntry,
} from '../../publication/entry.ts';
import type { Change } from './journal.ts';
import {
  fileTime,
  finishDirectory,
  keepXattrs,
  makeDevice,
  makeFile,
  makeSymbolicLink,
  moveFile,
  type WriteLosses,
} from '../inode.ts';

/**
 * Writes a stream beside the repository, on the same file system, and notes which changes will put it in place: one
 * rename for each new subtree, however large, and one for each entry within folders that are there already.
 */
export class Staging {
  readonly #removals: Change[] = [];
  readonly #places: Change[] = [];
  readonly #retirements: Change[] = [];
  /** Of folders that the repository has: what happens in a folder changes its times, so that they come last. */
  readonly #attributes: Change[] = [];
  readonly #staging: string;
  readonly #repository: string;
  readonly #losses: WriteLosses;
  readonly #onBytes: (bytes: number) => void;
  /** Folders that the repository does not have, nor is any above them new: made here, with all that is below them. */
  readonly #fresh = new Set<BytePath>();
  /** Folders that the repository has, and that something goes into. */
  readonly #existing = new Set<BytePath>(['']);
  /** Folders below the fresh ones. */
  readonly #folders = new FolderList();
  /** Of files that cannot have one more name: the copy that has the next ones. */
  readonly #copies = new Map<BytePath, Buffer>();
  /** Folders of the repository that are known to be there, no link on the way. */
  readonly #real = new Set<BytePath>(['']);

  constructor(
    paths: { staging: string; repository: string },
    losses: WriteLosses,
    onBytes: (bytes: number) => void,
  ) {
    this.#staging = paths.staging;
    this.#repository = paths.repository;
    this.#losses = losses;
    this.#onBytes = onBytes;
    this.#assertChangeable('');
  }

  /** Changes that put everything in place, in the order in which they must be made. */
  get changes(): Change[] {
    const deepestFirst = this.#attributes.toSorted((a, b) => depthOf(b.path) - depthOf(a.path));
    return [...this.#removals, ...this.#places, ...this.#retirements, ...deepestFirst];
  }

  /** Moves away what is published at `path`, before anything is put in place; nothing where it is not there. */
  remove(path: BytePath): void {
    if (this.#isRemovable(path)) this.#removals.push({ kind: 'remove', path });
  }

  /** As {@link remove}, when everything is in place. */
  retire(path: BytePath): void {
    if (this.#isRemovable(path)) this.#retirements.push({ kind: 'remove', path });
  }

  /** @throws Failure `repository-conflict` where it would turn a directory into something else, or the reverse */
  async add(entry: Entry): Promise<void> {
    const isTop = this.#prepare(entry);
    switch (entry.type) {
      case 'directory':
        this.#addDirectory(entry.path, entry.attributes, isTop);
        return;
      case 'file':
        await this.#addFile(entry);
        return;
      case 'link':
        this.#link(entry);
        return;
      case 'symlink':
        makeSymbolicLink(this.#at(entry.path), entry);
        return;
      case 'character-device':
      case 'block-device':
      case 'fifo':
        makeDevice(this.#at(entry.path), entry, this.#losses);
        return;
    }
  }

  /** Extended attributes of what was added. */
  addXattrs(xattrs: ExtendedAttributes): void {
    keepXattrs(this.#at(xattrs.path), xattrs, this.#losses);
  }

  /** When everything is added: attributes of new folders, deepest first, since adding to them changes their times. */
  finish(): void {
    for (const { path, attributes } of this.#folders.reversed()) finishDirectory(this.#at(path), attributes);
  }

  #isRemovable(path: BytePath): boolean {
    const folder = folderOf(path);
    const there = this.#isReal(folder) ? this.#published(path) : undefined;
    if (there === undefined) return false;
    this.#assertChangeable(folder);
    if (there.isDirectory()) this.#assertChangeable(path);
    return true;
  }

  /** Returns true where the entry needs its own change, and notes it. */
  #prepare({ type, path }: Entry): boolean {
    const folder = folderOf(path);
    if (this.#isFresh(folder)) return false;
    this.#enter(folder);
    const there = this.#published(path);
    if (there === undefined || (!there.isDirectory() && type !== 'directory')) {
      if (type !== 'directory') this.#places.push({ kind: 'place', path });
      return true;
    }
    if (there.isDirectory() && type === 'directory') return true;
    throw conflict(path, there, type);
  }

  /** Takes note of a folder that the repository has. Bounded: by the path. */
  #enter(folder: BytePath): void {
    if (this.#existing.has(folder)) return;
    this.#enter(folderOf(folder));
    if (!this.#isReal(folder)) throw new Error(`${displayPath(folder)}: no such folder yet`);
    this.#assertChangeable(folder);
    mkdirSync(this.#at(folder), { mode: 0o700 });
    this.#existing.add(folder);
  }

  /**
   * An ordinary user must not find out in the middle of a commit what he may not change. His own folders may forbid it:
   * they are made to allow it.
   *
   * @throws an error of the file system, such as `EACCES`
   */
  #assertChangeable(folder: BytePath): void {
    if (!isForeign(this.#published(folder))) return;
    accessSync(this.#publishedAt(folder), constants.W_OK | constants.X_OK);
  }

  /**
   * Whether the repository has `folder`. Bounded: by the path.
   *
   * @throws Failure `repository-conflict` where it, or a folder above it, is something else, such as a symbolic link
   */
  #isReal(folder: BytePath): boolean {
    if (this.#real.has(folder)) return true;
    if (!this.#isReal(folderOf(folder))) return false;
    const there = this.#published(folder);
    if (there === undefined) return false;
    if (!there.isDirectory()) throw conflict(folder, there, 'directory');
    this.#real.add(folder);
    return true;
  }

  #addDirectory(path: BytePath, attributes: Attributes, isTop: boolean): void {
    // What is in a folder that the repository has may come before it is named.
    if (!this.#existing.has(path)) mkdirSync(this.#at(path), { mode: 0o700 });
    const there = isTop ? this.#published(path) : undefined;
    if (!isTop) {
      this.#folders.add(path, attributes);
    } else if (there === undefined) {
      // Its attributes come with the change: a folder without write permission cannot be moved by its owner.
      this.#fresh.add(path);
      this.#places.push({ kind: 'place', path, attributes });
    } else {
      if (isForeign(there)) throw foreign(path, there.uid);
      this.#existing.add(path);
      this.#attributes.push({ kind: 'attributes', path, attributes });
    }
  }

  async #addFile(entry: FileEntry): Promise<void> {
    const path = this.#at(entry.path);
    if (entry.movable !== undefined && moveFile(entry.movable, path, entry)) this.#onBytes(entry.sizeBytes);
    else await makeFile(path, entry, this.#onBytes);
  }

  #link({ path, target }: HardLinkEntry): void {
    const link = this.#at(path);
    const isStaged = this.#isStaged(target);
    if (!isStaged) this.#isReal(folderOf(target));
    const source = this.#copies.get(target) ?? (isStaged ? this.#at(target) : this.#publishedAt(target));
    try {
      linkSync(source, link);
    } catch (error) {
      if (!hasCode(error, 'EMLINK')) throw error;
      copyFile(source, link);
      this.#copies.set(target, link);
    }
  }

  #isStaged(path: BytePath): boolean {
    return this.#isFresh(folderOf(path)) || lstatOf(this.#at(path)) !== undefined;
  }

  /** Returns true where the folder, or one above it, is new. */
  #isFresh(folder: BytePath): boolean {
    for (let slash = folder.indexOf('/'); slash !== -1; slash = folder.indexOf('/', slash + 1))
      if (this.#fresh.has(folder.slice(0, slash))) return true;
    return this.#fresh.has(folder);
  }

  #published(path: BytePath): Stats | undefined {
    return lstatOf(this.#publishedAt(path));
  }

  #at(path: BytePath): Buffer {
    return pathBelow(this.#staging, path);
  }

  #publishedAt(path: BytePath): Buffer {
    return pathBelow(this.#repository, path);
  }
}

/** A file system allows an inode so many names (65,000 on ext4): the next is a copy. */
function copyFile(from: Buffer, to: Buffer): void {
  const found = lstatSync(from);
  if (!found.isFile()) throw new Error(`${from.toString()} is not a file`);
  const { uid, gid, mode, mtimeMs } = found;
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  if (process.getuid?.() === 0) lchownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
  const time = fileTime(mtimeMs / 1000);
  lutimesSync(to, time, time);
}

/** Returns true where it belongs to somebody else, and this user is not root. */
function isForeign(there: Stats | undefined): there is Stats {
  const user = process.getuid?.() ?? 0;
  return there !== undefined && user !== 0 && there.uid !== user;
}

function foreign(path: BytePath, uid: number): Failure {
  return new Failure(
    'repository-unusable',
    `the directory ${displayPath(path)} belongs to user ${uid}, and cannot be given other attributes`,
    { hint: 'run unpackd as the user who owns the repository, or give him all of it' },
  );
}

function conflict(path: BytePath, there: Stats, type: Entry['type']): Failure {
  const kind = there.isDirectory() ? 'directory' : there.isSymbolicLink() ? 'symbolic link' : 'file';
  return new Failure(
    'repository-conflict',
    `the repository has a ${kind} at ${displayPath(path)}, where a ${type} belongs`,
    { hint: 'find out who put it there, and delete it' },
  );
}

function folderOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function depthOf(path: BytePath): number {
  return path.split('/').length;
}

function lstatOf(path: Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * Folders with their attributes, packed: a publication may have a million. A folder that follows one above it takes no
 * more than its own name.
 *
 * @internal
 */
export class FolderList {
  /** From 1 on; 0 is where paths begin. */
  #length = 0;
  readonly #texts = new TextPool();
  readonly #parents = new Column(WORDS_32);
  readonly #names = new Column(WORDS_32);
  readonly #attributes = new AttributesColumn();
  /** The last folder, and those above it that were added. */
  readonly #open: { number: number; prefix: BytePath }[] = [];

  add(path: BytePath, attributes: Attributes): void {
    const number = ++this.#length;
    while (!path.startsWith(this.#open.at(-1)?.prefix ?? '')) this.#open.pop();
    const { number: parent, prefix } = this.#open.at(-1) ?? { number: 0, prefix: '' };
    this.#open.push({ number, prefix: `${path}/` });
    this.#parents.set(number, parent);
    this.#names.set(number, this.#texts.add(path.slice(prefix.length)));
    this.#attributes.set(number, attributes);
  }

  /** The last one first. */
  *reversed(): Generator<{ readonly path: BytePath; readonly attributes: Attributes }> {
    for (let number = this.#length; number > 0; number--) {
      yield { path: this.#pathOf(number), attributes: this.#attributes.at(number) };
    }
  }

  /** Bounded: by the path. */
  #pathOf(number: number): BytePath {
    const parent = this.#parents.at(number);
    const name = this.#texts.at(this.#names.at(number));
    return parent === 0 ? name : `${this.#pathOf(parent)}/${name}`;
  }
}
