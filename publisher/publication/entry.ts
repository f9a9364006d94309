import type { BytePath } from '../../core/system/byte-path.ts';

/**
 * The stream that a publication consists of: what the composer produces and every backend takes.
 */

/** Attributes of an inode. Times are those of the last modification. */
export interface Attributes {
  /** Permission bits with set-uid, set-gid and sticky: `0o0000` to `0o7777`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, possibly negative or with a fraction. */
  readonly mtime: number;
}

export interface DirectoryEntry {
  readonly type: 'directory';
  readonly path: BytePath;
  readonly attributes: Attributes;
}

export interface FileEntry {
  readonly type: 'file';
  readonly path: BytePath;
  readonly attributes: Attributes;
  readonly sizeBytes: number;
  /** Exactly `sizeBytes` bytes. Must be read to its end before the next entry is asked for. */
  readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Path of a file that has the content already. Whoever moves it away does not read `content`. */
  readonly movable?: string;
}

/** A further name of a file: `target` is a file entry earlier in the stream, or a file that the repository holds. */
export interface HardLinkEntry {
  readonly type: 'link';
  readonly path: BytePath;
  readonly target: BytePath;
}

export interface SymbolicLinkEntry {
  readonly type: 'symlink';
  readonly path: BytePath;
  readonly attributes: Attributes;
  /** Target as in the image, one character a byte (Latin-1): never followed, never checked. */
  readonly target: string;
  /** Clients of CernVM-FS are to put the values of variables into the target. What an image says is meant as it stands. */
  readonly isVariant?: boolean;
}

export interface DeviceEntry {
  readonly type: 'character-device' | 'block-device' | 'fifo';
  readonly path: BytePath;
  readonly attributes: Attributes;
  /** 0 for a fifo. */
  readonly major: number;
  readonly minor: number;
}

export type Entry = DirectoryEntry | FileEntry | HardLinkEntry | SymbolicLinkEntry | DeviceEntry;

/** Entries that are handed on together. Their contents are read in their order, and before the next slice is asked for. */
export type Slice = readonly Entry[];

/** Extended attributes of one path, values one character a byte. They travel beside the stream. */
export interface ExtendedAttributes {
  readonly path: BytePath;
  readonly values: ReadonlyMap<string, string>;
}

/**
 * The target that CernVM-FS is to store, so that its clients show what is meant: in the place of `$(NAME:-DEFAULT)` they
 * show the value of a variable of theirs, or else the default. No variable has an empty name: `$(:-$)` is always its
 * default, a `$`.
 *
 * @see `SqlDirent::ExpandSymlink` in cvmfs/catalog_sql.cc
 */
export function storedTarget({ target, isVariant }: Pick<SymbolicLinkEntry, 'target' | 'isVariant'>): string {
  return isVariant === true ? target : target.replaceAll('$(', () => '$(:-$)(');
}

/** A file of our own making, which everybody may read: `attributes` but for the mode. */
export function metadataFile(path: BytePath, bytes: Uint8Array, attributes: Attributes): FileEntry {
  return {
    type: 'file',
    path,
    attributes: { ...attributes, mode: 0o644 },
    sizeBytes: bytes.length,
    content: [bytes],
  };
}

const ZEROS = Buffer.alloc(256 * 1024);

/** Content of a hole in a sparse file: backends that can make a hole of it again, others write it. */
export function* hole(sizeBytes: number): Generator<Buffer> {
  for (let left = sizeBytes; left > 0; left -= ZEROS.length)
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}

/** Returns true where a chunk of content is part of a {@link hole}. */
export function isHole(chunk: Uint8Array): boolean {
  return chunk.buffer === ZEROS.buffer;
}

/** Attributes of what is not part of an image: the owner is the publishing user, the time is now. The caller sets the mode. */
export function publisherAttributes(): Attributes {
  const mtime = Math.floor(Date.now() / 1000);
  return { mode: 0, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime };
}
