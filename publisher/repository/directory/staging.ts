import {
  copyFileSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  chmodSync,
  lchownSync,
  type Stats,
} from 'node:fs';
import { Failure } from '../../../wishlist/failure.ts';
import {
  displayPath,
  pathBuffer,
  type Attributes,
  type BytePath,
  type Entry,
  type ExtendedAttributes,
  type HardLinkEntry,
} from '../entry.ts';
import { setXattr } from '../libc.ts';
import { finishDirectory, makeDevice, makeFile, makeSymbolicLink } from '../inode.ts';
import type { Change } from './journal.ts';
import type { Unkept } from '../unkept.ts';

/**
 * Writes a stream beside the repository, on the same file system, and notes which changes will put it in place: one
 * rename for each new subtree, however large, and one for each entry within folders that are there already.
 */
export class Staging {
  /** In the order of the stream. */
  readonly changes: Change[] = [];
  readonly #staging: string;
  readonly #repository: string;
  readonly #unkept: Unkept;
  readonly #onBytes: (bytes: number) => void;
  /** Folders that the repository does not have: made here, with all that is in them. */
  readonly #fresh = new Set<BytePath>();
  /** Folders that the repository has, and that something goes into. */
  readonly #existing = new Set<BytePath>(['']);
  readonly #folders: { path: BytePath; attributes: Attributes }[] = [];

  constructor(
    paths: { staging: string; repository: string },
    unkept: Unkept,
    onBytes: (bytes: number) => void,
  ) {
    this.#staging = paths.staging;
    this.#repository = paths.repository;
    this.#unkept = unkept;
    this.#onBytes = onBytes;
  }

  /** @throws Failure `repository-conflict` where it would turn a directory into something else, or the reverse */
  async add(entry: Entry): Promise<void> {
    const isTop = this.#prepare(entry);
    switch (entry.type) {
      case 'directory':
        this.#addDirectory(entry.path, entry.attributes, isTop);
        return;
      case 'file':
        await makeFile(this.#at(entry.path), entry, this.#unkept, this.#onBytes);
        return;
      case 'link':
        this.#link(entry);
        return;
      case 'symlink':
        makeSymbolicLink(this.#at(entry.path), entry, this.#unkept);
        return;
      case 'character-device':
      case 'block-device':
      case 'fifo':
        makeDevice(this.#at(entry.path), entry, this.#unkept);
        return;
    }
  }

  /** Extended attributes of what was added. */
  addXattrs({ path, values }: ExtendedAttributes): void {
    for (const [name, value] of values) {
      try {
        setXattr(this.#at(path), name, value);
      } catch (error) {
        if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
        this.#unkept.xattr();
      }
    }
  }

  /** When everything is added: attributes of new folders, deepest first, since adding to them changes their times. */
  finish(): void {
    for (const { path, attributes } of this.#folders.toReversed())
      finishDirectory(this.#at(path), attributes, this.#unkept);
  }

  /** Whether the entry is put in place by a change of its own, which is noted here. */
  #prepare({ type, path }: Entry): boolean {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (this.#fresh.has(folder)) return false;
    this.#enter(folder);
    const there = this.#published(path);
    if (there === undefined || (!there.isDirectory() && type !== 'directory')) {
      if (type !== 'directory') this.changes.push({ kind: 'place', path });
      return true;
    }
    if (there.isDirectory() && type === 'directory') return true;
    throw new Failure(
      'repository-conflict',
      `the repository has a ${there.isDirectory() ? 'directory' : 'file'} at ${displayPath(path)}, where a ${type} belongs`,
      {
        hint: 'find out who put it there, and delete it',
      },
    );
  }

  /** Takes note of a folder that the repository has: every component a directory, no link followed. */
  #enter(folder: BytePath): void {
    if (this.#existing.has(folder)) return;
    this.#enter(folder.slice(0, Math.max(0, folder.lastIndexOf('/'))));
    if (this.#published(folder)?.isDirectory() !== true)
      throw new Error(`${displayPath(folder)}: no such folder yet`);
    mkdirSync(this.#at(folder), { mode: 0o700 });
    this.#existing.add(folder);
  }

  #addDirectory(path: BytePath, attributes: Attributes, isTop: boolean): void {
    mkdirSync(this.#at(path), { mode: 0o700 });
    if (!isTop) {
      this.#fresh.add(path);
      this.#folders.push({ path, attributes });
    } else if (this.#published(path) === undefined) {
      // Its attributes come with the change: a folder without write permission cannot be moved by its owner.
      this.#fresh.add(path);
      this.changes.push({ kind: 'place', path, attributes });
    } else {
      this.#existing.add(path);
      this.changes.push({ kind: 'attributes', path, attributes });
    }
  }

  #link({ path, target }: HardLinkEntry): void {
    const link = this.#at(path);
    const source = this.#isStaged(target) ? this.#at(target) : this.#publishedAt(target);
    try {
      linkSync(source, link);
    } catch (error) {
      if (!isCode(error, 'EMLINK')) throw error;
      copyFile(source, link);
    }
  }

  #isStaged(path: BytePath): boolean {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    return this.#fresh.has(folder) || lstatOf(this.#at(path)) !== undefined;
  }

  #published(path: BytePath): Stats | undefined {
    return lstatOf(this.#publishedAt(path));
  }

  #at(path: BytePath): Buffer {
    return pathBuffer(`${Buffer.from(this.#staging).toString('latin1')}/${path}`);
  }

  #publishedAt(path: BytePath): Buffer {
    return pathBuffer(`${Buffer.from(this.#repository).toString('latin1')}/${path}`);
  }
}

/** A file system allows an inode so many names (65,000 on ext4): the next is a copy. */
function copyFile(from: Buffer, to: Buffer): void {
  const { uid, gid, mode, mtimeMs } = lstatSync(from);
  copyFileSync(from, to);
  if (process.getuid?.() === 0) lchownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
  lutimesSync(to, mtimeMs / 1000, mtimeMs / 1000);
}

function lstatOf(path: Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
