import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  openSync,
  renameSync,
  symlinkSync,
  utimesSync,
  constants,
} from 'node:fs';
import { hasCode, isDiskFull, isSystemError } from '../../core/system-error.ts';
import { writeAtSync } from '../../core/system/files.ts';
import { pathBuffer, displayPath, type BytePath } from '../../core/system/byte-path.ts';
import { makeNode, setXattr } from '../../core/system/libc.ts';
import { counted } from '../../core/text.ts';
import { takeTurns } from '../../core/turns.ts';
import { settableTime } from '../publication/capabilities.ts';
import {
  type Attributes,
  type DeviceEntry,
  type ExtendedAttributes,
  type FileEntry,
  type SymbolicLinkEntry,
  isHole,
} from '../publication/entry.ts';
import { FOLDER } from './real-folders.ts';

/**
 * Makes single inodes with their attributes. The calls are synchronous: for the many small files of an image that is
 * several times as fast, and the disk is what there is to wait for.
 */

export const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const SET_ID_BITS = 0o6000;

const user = { id: process.getuid?.() ?? 0, group: process.getgid?.() ?? 0 };
const isRoot = user.id === 0;

export async function makeFile(
  path: Buffer,
  entry: FileEntry,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const fd = openSync(path, NEW_FILE, 0o600);
  try {
    let written = 0;
    let isCutShort = false;
    for await (const chunk of entry.content) {
      isCutShort = isHole(chunk);
      if (!isCutShort) writeAtSync(fd, chunk, written);
      written += chunk.length;
      await takeTurns();
    }
    if (isCutShort) ftruncateSync(fd, written);
    if (written !== entry.sizeBytes)
      throw new Error(`${entry.path}: ${written} bytes came, ${entry.sizeBytes} were announced`);
    onBytes(written);
    const isOwned = own(entry.attributes, (uid, gid) => fchownSync(fd, uid, gid));
    fchmodSync(fd, keptMode(entry.attributes, isOwned));
    const time = fileTime(entry.attributes.mtime);
    futimesSync(fd, time, time);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a file of the one at `from`, which has its content.
 *
 * @returns false where it cannot be moved, and nothing has changed
 */
export function moveFile(from: string, to: Buffer, { attributes }: FileEntry): boolean {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  }
  const isOwned = own(attributes, (uid, gid) => lchownSync(to, uid, gid));
  chmodSync(to, keptMode(attributes, isOwned));
  const time = fileTime(attributes.mtime);
  utimesSync(to, time, time);
  return true;
}

export function makeSymbolicLink(path: Buffer, entry: SymbolicLinkEntry): void {
  symlinkSync(pathBuffer(entry.target), path);
  setOwnerAndTime(path, entry.attributes);
}

/** Devices other than deletions (0:0) are root's to make: `losses` gets what this user may not. */
export function makeDevice(path: Buffer, entry: DeviceEntry, losses: WriteLosses): void {
  try {
    makeNode(path, entry);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) throw error;
    losses.add('device', entry.path);
    return;
  }
  setOwnerAndTime(path, entry.attributes);
  chmodSync(path, entry.attributes.mode);
}

/**
 * Sets extended attributes at `at`, of the entry `path`. One that the user may not set or the file system does not
 * take, too large a one among them, is not kept.
 */
export function keepXattrs(at: Buffer, { path, values }: ExtendedAttributes, losses: WriteLosses): void {
  let bytes = 0;
  for (const [name, value] of values) {
    bytes += name.length + value.length;
    try {
      setXattr(at, name, value);
    } catch (error) {
      if (!isXattrRefused(error, bytes)) throw error;
      losses.add('xattr', path);
    }
  }
}

/** Returns true where `error` means that a file cannot have attributes of so many bytes together. */
export function isXattrRefused(error: unknown, bytes: number): boolean {
  // A full disk is what ext4 answers too, for attributes that do not fit in a block.
  return hasCode(error, ...REFUSED) || (bytes > XATTR_BYTES_THAT_FIT && isDiskFull(error));
}

const REFUSED = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'E2BIG', 'ERANGE', 'EINVAL'];
/** A file system that has attributes at all holds so much of each file: where it cannot, its disk is full. */
export const XATTR_BYTES_THAT_FIT = 512;

/** Attributes of a directory: when nothing is made in it any more. */
export function finishDirectory(path: Buffer, attributes: Attributes): void {
  const fd = openSync(path, FOLDER);
  try {
    // By its descriptor: no link is followed that takes its place.
    const itself = `/proc/self/fd/${fd}`;
    const isOwned = own(attributes, (uid, gid) => chownSync(itself, uid, gid));
    chmodSync(itself, keptMode(attributes, isOwned));
    const time = fileTime(attributes.mtime);
    utimesSync(itself, time, time);
  } finally {
    closeSync(fd);
  }
}

/** Converts a time in seconds for Node's calls, which read a negative number as the present. */
export function fileTime(seconds: number): number | Date {
  const settable = settableTime(seconds);
  return settable < 0 ? new Date(settable * 1000) : settable;
}

function setOwnerAndTime(path: Buffer, attributes: Attributes): void {
  own(attributes, (uid, gid) => lchownSync(path, uid, gid));
  const time = fileTime(attributes.mtime);
  lutimesSync(path, time, time);
}

/** Returns true where this user may give a file to these owners; other files become his own. */
export function mayOwn(uid: number, gid: number): boolean {
  return isRoot || (uid === user.id && gid === user.group);
}

/** Errors where nobody here can be that owner, as in a user namespace, or the file system keeps none. */
const NO_OWNER = ['EINVAL', 'EOVERFLOW', 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];

/** Returns true where `change`, which gives something to other owners, is allowed. */
export function isOwnerTaken(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    if (!hasCode(error, ...NO_OWNER)) throw error;
    return false;
  }
}

/** @returns whether it belongs to its owners now */
function own({ uid, gid }: Attributes, change: (uid: number, gid: number) => void): boolean {
  return mayOwn(uid, gid) && isOwnerTaken(() => change(uid, gid));
}

/** Set-uid without its owner would lend out the identity of whoever runs this. */
function keptMode({ mode }: Attributes, isOwned: boolean): number {
  return isOwned ? mode : mode & ~SET_ID_BITS;
}

const EXAMPLES = 3;

type Kind = 'device' | 'xattr';

/**
 * What turned out while it was written to be more than the repository takes, although the {@link RepositoryCapabilities} did not say
 * so before.
 */
export class WriteLosses {
  readonly #found = new Map<Kind, { count: number; examples: BytePath[] }>();

  add(kind: Kind, path: BytePath): void {
    const found = this.#found.get(kind) ?? { count: 0, examples: [] };
    this.#found.set(kind, found);
    found.count++;
    if (found.examples.length < EXAMPLES) found.examples.push(path);
  }

  /** Describes the losses; `undefined` where there are none. */
  summary(): string | undefined {
    const lost = [...this.#found].map(([kind, { count, examples }]) => {
      const paths = `${examples.map(displayPath).join(', ')}${count > EXAMPLES ? ', …' : ''}`;
      return kind === 'device'
        ? `${counted(count, 'device')} (${paths})`
        : `${counted(count, 'extended attribute')} (${paths})`;
    });
    if (lost.length === 0) return undefined;
    return `${lost.join(', ')} could not be kept: that needs root, on a file system that has them`;
  }
}
