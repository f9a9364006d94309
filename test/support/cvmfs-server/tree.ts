import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';

import { pathBuffer, type BytePath } from '../../../core/system/byte-path.ts';
import type { Attributes } from '../../../publisher/publication/entry.ts';
import { showWhole } from './chunked-files.ts';
import { complain, hasCode } from './died.ts';
import { removeAll } from './remove.ts';
import { decodeDevice, listAttributes, makeSpecial, removeAttribute } from './system.ts';
import type { SpecialType } from './system.ts';

const IS_ROOT = process.getuid?.() === 0;
/** What an ordinary user must keep for himself, or the next revision could not be made from this one. */
const KEPT_BY_USERS = { directory: 0o700, file: 0o400 };

export type Kind = 'directory' | 'file' | 'symlink' | SpecialType;

/**
 * A directory tree that is becoming a revision. Files in it are shared with the revision before: they are replaced,
 * never modified. Directories are its own. The time of a directory does not change when something in it does, since
 * in a catalog it is a row of its own.
 */
export class Tree {
  readonly #base: BytePath;
  readonly #storesAttributes: boolean;
  /** Of each directory that is new or in which something changed: applied at the end. */
  readonly #directories = new Map<BytePath, Attributes>();

  /** `base` is a path as text; all other paths are relative to it. */
  constructor(base: string, storesAttributes = false) {
    this.#base = Buffer.from(base).toString('latin1');
    this.#storesAttributes = storesAttributes;
  }

  /** As a program sees it, through symbolic links on the way. */
  stat(path: BytePath): Stats | undefined {
    try {
      return lstatSync(this.#absolute(path));
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  /** As a catalog has it: there is nothing below a symbolic link, and `..` is no name. */
  kind(path: BytePath): Kind | undefined {
    if (path === '') return 'directory';
    if (!this.#isPlain(path) || !this.#isBelowDirectories(path)) return undefined;
    const stats = this.stat(path);
    return stats === undefined ? undefined : kindOf(stats);
  }

  /** Removes what is at `path`, with everything below. */
  remove(path: BytePath): void {
    if (this.stat(path) === undefined) return;
    this.#keepTime(parentOf(path));
    removeAll(this.#absolute(path));
    for (const known of this.#directories.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
    }
  }

  /** Makes it, or gives an existing one these attributes. */
  putDirectory(path: BytePath, attributes: Attributes): void {
    if (this.stat(path) === undefined) {
      this.#keepTime(parentOf(path));
      mkdirSync(this.#absolute(path), { mode: 0o700 });
    }
    this.#directories.set(path, attributes);
  }

  async putFile(path: BytePath, attributes: Attributes, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.#keepTime(parentOf(path));
    const descriptor = openSync(this.#absolute(path), 'wx', 0o600);
    let sizeBytes = 0;
    try {
      for await (const chunk of content) {
        writeAll(descriptor, chunk);
        sizeBytes += chunk.length;
      }
    } finally {
      closeSync(descriptor);
    }
    showWhole(this.#absolute(path), sizeBytes);
    this.#apply(path, attributes, 'file');
  }

  putSymbolicLink(path: BytePath, attributes: Attributes, target: string): void {
    this.#keepTime(parentOf(path));
    const absolute = this.#absolute(path);
    symlinkSync(pathBuffer(target), absolute);
    if (IS_ROOT) lchownSync(absolute, attributes.uid, attributes.gid);
    setTime(lutimesSync, absolute, attributes.mtime);
  }

  putSpecial(
    path: BytePath,
    attributes: Attributes,
    special: { readonly type: SpecialType; readonly major: number; readonly minor: number },
  ): void {
    this.#keepTime(parentOf(path));
    if (makeSpecial(this.#absolute(path), special.type, special)) this.#apply(path, attributes, 'file');
    else complain(`Warning: this user may not make the device ${path}`);
  }

  /** An entry of its own with the content and attributes of `target`, but for its extended ones. */
  putClone(path: BytePath, target: BytePath): void {
    const source = lstatSync(this.#absolute(target));
    const attributes = attributesOf(source);
    const type = kindOf(source);
    switch (type) {
      case 'file':
        this.#keepTime(parentOf(path));
        copyFileSync(this.#absolute(target), this.#absolute(path), constants.COPYFILE_FICLONE);
        chmodSync(this.#absolute(path), 0o600);
        showWhole(this.#absolute(path), source.size);
        this.#apply(path, attributes, 'file');
        return;
      case 'symlink':
        this.putSymbolicLink(path, attributes, readlinkSync(this.#absolute(target), { encoding: 'latin1' }));
        return;
      case 'directory':
        throw new Error(`${target} is a directory`);
      default:
        this.putSpecial(path, attributes, { type, ...decodeDevice(source.rdev) });
    }
  }

  /** A file that looks like `target` and has nothing of its content, where a real client answers EIO to who reads it. */
  putUnreadable(path: BytePath, target: BytePath): void {
    const source = lstatSync(this.#absolute(target));
    this.#keepTime(parentOf(path));
    const descriptor = openSync(this.#absolute(path), 'wx', 0o600);
    ftruncateSync(descriptor, source.size);
    closeSync(descriptor);
    this.#apply(path, attributesOf(source), 'file');
  }

  removeExtendedAttributes(path: BytePath): void {
    if (!this.#storesAttributes) return;
    const absolute = this.#absolute(path);
    for (const name of listAttributes(absolute)) removeAttribute(absolute, name);
  }

  /** Gives all directories their attributes; nothing may be changed after it. */
  finish(): void {
    for (const [path, attributes] of this.#directories) this.#apply(path, attributes, 'directory');
  }

  #absolute(path: BytePath): Buffer {
    return pathBuffer(path === '' ? this.#base : `${this.#base}/${path}`);
  }

  #isPlain(path: BytePath): boolean {
    return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  }

  #isBelowDirectories(path: BytePath): boolean {
    const parent = parentOf(path);
    if (parent === '' || this.#directories.has(parent)) return true;
    return this.#isBelowDirectories(parent) && this.stat(parent)?.isDirectory() === true;
  }

  #keepTime(directory: BytePath): void {
    if (this.#directories.has(directory)) return;
    this.#directories.set(directory, attributesOf(lstatSync(this.#absolute(directory))));
  }

  #apply(path: BytePath, attributes: Attributes, kind: 'directory' | 'file'): void {
    const absolute = this.#absolute(path);
    if (IS_ROOT) lchownSync(absolute, attributes.uid, attributes.gid);
    chmodSync(absolute, IS_ROOT ? attributes.mode : attributes.mode | KEPT_BY_USERS[kind]);
    setTime(utimesSync, absolute, attributes.mtime);
  }
}

export function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function attributesOf({ mode, uid, gid, mtimeMs }: Stats): Attributes {
  return { mode: mode & 0o7777, uid, gid, mtime: mtimeMs / 1000 };
}

/** Node takes a negative number for the present time, but a date for what it says. */
function setTime(set: typeof utimesSync, path: Buffer, seconds: number): void {
  const time = seconds < 0 ? new Date(seconds * 1000) : seconds;
  set(path, time, time);
}

function kindOf(stats: Stats): Kind {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character-device';
  if (stats.isBlockDevice()) return 'block-device';
  return stats.isFIFO() ? 'fifo' : 'file';
}

function writeAll(descriptor: number, chunk: Uint8Array): void {
  let offset = 0;
  while (offset < chunk.length) offset += writeSync(descriptor, chunk, offset);
}
