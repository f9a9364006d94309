import {
  constants,
  createReadStream,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Dirent,
  type Stats,
} from 'node:fs';
import { lstat, open, readFile, readdir, readlink } from 'node:fs/promises';
import { Failure, messageOf } from '../../core/failure.ts';
import { hasCode } from '../../core/system-error.ts';
import { pathBelow, type BytePath } from '../../core/system/byte-path.ts';
import { readXattrs } from '../../core/system/libc.ts';
import type { Attributes } from './entry.ts';

export type Kind = 'directory' | 'file' | 'symlink' | 'other';

/** Entry of a directory: its name and kind. */
export interface Child {
  readonly name: BytePath;
  readonly kind: Kind;
}

/** An inode as it is published. */
export interface Inode {
  readonly type: 'directory' | 'file' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket';
  readonly attributes: Attributes;
  readonly sizeBytes: number;
  /** Of a device, else 0. */
  readonly major: number;
  readonly minor: number;
  /** Names that equal identities have the same content. */
  readonly identity: string;
  /** Names of the inode; 1 where the file system does not count them. */
  readonly names: number;
}

/** The published state. Changes of a publication in progress are not visible through it. */
export interface RepositoryView {
  /** Returns the kind of the entry at `path`, no link followed; `undefined` where there is none. */
  kindOf(path: BytePath): Promise<Kind | undefined>;
  /** The inode at `path`, no link followed; `undefined` where there is none. */
  inodeOf(path: BytePath): Promise<Inode | undefined>;
  /** The extended attributes at `path`, no link followed: values one character a byte. */
  xattrsOf(path: BytePath): Promise<ReadonlyMap<string, string>>;
  /** Those may be more than are published: clients have some of their own. */
  readonly addsXattrs: boolean;
  /** Why the first byte of the file at `path` cannot be read, although everybody may; `undefined`: it can. */
  whyUnreadable(path: BytePath): Promise<string | undefined>;
  /** The bytes of the file at `path`; `undefined` where there is none. */
  read(path: BytePath): Promise<Buffer | undefined>;
  /** The target of the symbolic link at `path`, one character a byte; `undefined` where there is none. */
  readLink(path: BytePath): Promise<string | undefined>;
  /** Lists the directory at `path`, in any order; nothing where there is none. */
  list(path: BytePath): Promise<readonly Child[]>;
  /** Everything below `path`, parents before children; nothing where it does not exist. */
  walk(path: BytePath): AsyncGenerator<{ readonly path: BytePath; readonly kind: Kind }>;
  /** The bytes of the published file at `path`, in parts. Opened when they are asked for: an open file holds the mount. */
  contents(path: BytePath): AsyncIterable<Uint8Array>;
  /** A hard link to a file of fewer bytes is always as good as the file. */
  readonly linkableBytes: number;
  /** Returns true where a hard link to the published file at `path` can be read like the file. */
  isLinkable(path: BytePath): Promise<boolean>;
  /** Returns true where hard links to files at or below the directory `path`, or those files themselves, may be unreadable. */
  mayHoldUnlinkable(path: BytePath): Promise<boolean>;
}

/** A view of a directory that holds a repository: the published tree itself, or a read-only mount of it. */
export class DirectoryView implements RepositoryView {
  readonly linkableBytes: number = Number.POSITIVE_INFINITY;
  readonly addsXattrs: boolean = false;
  readonly #root: string;
  readonly #budget = new SyncBudget();

  constructor(root: string) {
    this.#root = root;
  }

  async kindOf(path: BytePath): Promise<Kind | undefined> {
    const at = this.#at(path);
    const found = await this.#ask(
      path,
      () => lstatSync(at),
      () => lstat(at),
    );
    return found === undefined ? undefined : kind(found);
  }

  async inodeOf(path: BytePath): Promise<Inode | undefined> {
    const at = this.#at(path);
    const found = await this.#ask(
      path,
      () => lstatSync(at),
      () => lstat(at),
    );
    return found === undefined ? undefined : inode(found);
  }

  async xattrsOf(path: BytePath): Promise<ReadonlyMap<string, string>> {
    const at = pathBelow(this.#root, path);
    const found = await this.#ask(
      path,
      () => readXattrs(at),
      () => Promise.resolve(readXattrs(at)),
    );
    return found ?? new Map<string, string>();
  }

  async whyUnreadable(path: BytePath): Promise<string | undefined> {
    try {
      const file = await open(this.#at(path), READ);
      try {
        await file.read(Buffer.alloc(1), 0, 1, 0);
      } finally {
        await file.close();
      }
      return undefined;
    } catch (error) {
      // Files of images may be their owner's alone.
      if (hasCode(error, 'EACCES', 'EPERM')) return undefined;
      return messageOf(error);
    }
  }

  async read(path: BytePath): Promise<Buffer | undefined> {
    const at = this.#at(path);
    return await this.#ask(
      path,
      () => readFileSync(at),
      () => readFile(at),
    );
  }

  async readLink(path: BytePath): Promise<string | undefined> {
    const at = this.#at(path);
    return await this.#ask(
      path,
      () => readlinkSync(at, 'latin1'),
      () => readlink(at, 'latin1'),
      'EINVAL',
    );
  }

  async list(path: BytePath): Promise<Child[]> {
    const at = this.#at(path);
    const children = await this.#ask(
      path,
      () => readdirSync(at, LISTING),
      () => readdir(at, LISTING),
    );
    return (children ?? []).map((child) => ({ name: child.name, kind: kind(child) }));
  }

  /** Bounded: paths have a limit of the system's. */
  async *walk(path: BytePath): AsyncGenerator<{ path: BytePath; kind: Kind }> {
    for (const { name, kind: found } of await this.list(path)) {
      const at = `${path}/${name}`;
      yield { path: at, kind: found };
      if (found === 'directory') yield* this.walk(at);
    }
  }

  async *contents(path: BytePath): AsyncGenerator<Uint8Array> {
    yield* createReadStream(this.#at(path), { highWaterMark: READ_BYTES });
  }

  async isLinkable(_path: BytePath): Promise<boolean> {
    return true;
  }

  async mayHoldUnlinkable(_path: BytePath): Promise<boolean> {
    return false;
  }

  async #ask<T>(
    path: BytePath,
    quick: () => T,
    patient: () => Promise<T>,
    ...absent: readonly string[]
  ): Promise<T | undefined> {
    return await unlessMissing(path, () => this.#budget.ask(quick, patient), absent);
  }

  /** Text where it says the same, which is cheaper: thousands of paths are asked for in a row. */
  #at(path: BytePath): Buffer | string {
    return ASCII.test(path) ? `${this.#root}/${path}` : pathBelow(this.#root, path);
  }
}

const ASCII = /^[\0-\x7f]*$/;
const READ_BYTES = 1024 * 1024;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const LISTING = { withFileTypes: true, encoding: 'latin1' } as const;

type Typed = Pick<Dirent, 'isDirectory' | 'isFile' | 'isSymbolicLink'>;

function kind(entry: Typed): Kind {
  if (entry.isDirectory()) return 'directory';
  if (entry.isFile()) return 'file';
  return entry.isSymbolicLink() ? 'symlink' : 'other';
}

function inode(found: Stats): Inode {
  const { mode, uid, gid, mtimeMs, size, dev, ino, nlink } = found;
  const type = inodeType(found);
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    type,
    attributes: { mode: mode & 0o7777, uid, gid, mtime: mtimeMs / 1000 },
    sizeBytes: size,
    ...(isDevice ? deviceOf(found.rdev) : { major: 0, minor: 0 }),
    identity: `${dev}:${ino}`,
    names: nlink,
  };
}

function inodeType(found: Stats): Inode['type'] {
  if (found.isDirectory()) return 'directory';
  if (found.isFile()) return 'file';
  if (found.isSymbolicLink()) return 'symlink';
  if (found.isCharacterDevice()) return 'character-device';
  if (found.isBlockDevice()) return 'block-device';
  return found.isFIFO() ? 'fifo' : 'socket';
}

/** As glibc's major(3) and minor(3) unpack it: 12 and 20 bits. */
function deviceOf(number: number): Pick<Inode, 'major' | 'minor'> {
  return { major: (number >>> 8) & 0xfff, minor: (number & 0xff) | ((number >>> 12) & 0xfff00) };
}

/** @param absent further error codes that mean that it does not exist */
async function unlessMissing<T>(
  path: BytePath,
  look: () => Promise<T>,
  absent: readonly string[],
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR') || absent.some((code) => hasCode(error, code)))
      return undefined;
    throw new Failure('repository-unusable', `the published ${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The longest that calls may keep everything else waiting, one after the other. */
const SLICE_MS = 10;
/** A longer call probably missed the cache, or, once in a while, another process had the processor. */
const QUICK_MS = 2;
/** Number of quick calls that outweigh a slow one. */
const SLOW_WEIGHT = 8;
/** Calls that are left to threads after two slow ones: as many as are usually under way at once. */
const CAREFUL_CALLS = 32;

/**
 * Decides how a file system is asked. One that answers from memory answers a synchronous call in a few microseconds,
 * where handing the same call to a thread costs ten times that of the processor; one that has to fetch what it is asked
 * for must not keep the process waiting, and answers many threads at once.
 *
 * @internal
 */
export class SyncBudget {
  readonly #now: () => number;
  #sliceStart: number | undefined;
  #turn: Promise<void> = Promise.resolve();
  #slowness = 0;
  #careful = 0;

  /** @param now in milliseconds since any time */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Asks with `quick` while that is quick, else with `patient`. Both do the same. */
  async ask<T>(quick: () => T, patient: () => Promise<T>): Promise<T> {
    while (this.#isUsedUp()) await this.#turn;
    if (this.#careful > 0) {
      this.#careful--;
      return await patient();
    }
    this.#beginSlice();
    const started = this.#now();
    try {
      return quick();
    } finally {
      this.#judge(this.#now() - started);
    }
  }

  #judge(tookMs: number): void {
    if (tookMs <= QUICK_MS) {
      this.#slowness = Math.max(0, this.#slowness - 1);
    } else if (this.#slowness > 0) {
      this.#careful = CAREFUL_CALLS;
    } else {
      this.#slowness = SLOW_WEIGHT;
    }
  }

  #isUsedUp(): boolean {
    return this.#sliceStart !== undefined && this.#now() - this.#sliceStart > SLICE_MS;
  }

  /** A slice ends when whatever else was waiting has had its turn. */
  #beginSlice(): void {
    if (this.#sliceStart !== undefined) return;
    this.#sliceStart = this.#now();
    this.#turn = new Promise((resolve) => {
      setImmediate(() => {
        this.#sliceStart = undefined;
        resolve();
      });
    });
  }
}
