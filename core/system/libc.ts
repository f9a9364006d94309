import { closeSync, constants, readdirSync } from 'node:fs';
import koffi from 'koffi';
import { pathBuffer, type BytePath } from './byte-path.ts';

/**
 * The C library, for system calls that Node does not offer. Errors are thrown as Node's own are: with `code`, `syscall`
 * and `path`.
 */
export const libc = koffi.load(libcName());

const cFlock = libc.func('int flock(int, int)');
const cMknod = loadMknod();
const cGetxattr = libc.func('intptr_t getxattr(const uint8_t *, const uint8_t *, _Out_ uint8_t *, size_t)');
const cLgetxattr = libc.func('intptr_t lgetxattr(const uint8_t *, const uint8_t *, _Out_ uint8_t *, size_t)');
const cLlistxattr = libc.func('intptr_t llistxattr(const uint8_t *, _Out_ uint8_t *, size_t)');
const cSetxattr = libc.func('int lsetxattr(const uint8_t *, const uint8_t *, const uint8_t *, size_t, int)');
const cSyncfs = libc.func('int syncfs(int)');
const cPipe2 = libc.func('int pipe2(int *, int)');
const cFcntl = libc.func('int fcntl(int, int, ...)');
const cIoctl = libc.func('int ioctl(int, unsigned long, ...)');

/** As statvfs(3) has it where pointers have 64 bits. */
const StatVfs = koffi.struct({
  sizes: koffi.array('uint64_t', 8),
  fsid: 'uint64_t',
  flags: 'uint64_t',
  others: koffi.array('uint64_t', 8),
});
const cStatvfs = libc.func('statvfs', 'int', ['const uint8_t *', koffi.out(koffi.pointer(StatVfs))]);
const MOUNT_FLAG = { nosuid: 2n, nodev: 4n } as const;

const LOCK_EXCLUSIVE_NOW = 2 | 4;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const FIONREAD = 0x541b;
const FILE_TYPE = { 'character-device': 0o020000, 'block-device': 0o060000, fifo: 0o010000 } as const;

/** Locks the open file `fd` for this process alone; the lock ends with the descriptor. False: somebody else has it. */
export function tryLock(fd: number): boolean {
  if (cFlock(fd, LOCK_EXCLUSIVE_NOW) === 0) return true;
  if (failedWith('EAGAIN')) return false;
  throw systemError('flock', `descriptor ${fd}`);
}

export interface SpecialFile {
  readonly type: 'character-device' | 'block-device' | 'fifo';
  readonly major: number;
  readonly minor: number;
}

/** Makes a device or fifo at the absolute path `path`, permissions 0600. */
export function makeNode(path: Buffer, { type, major, minor }: SpecialFile): void {
  if (cMknod(terminated(path), FILE_TYPE[type] | 0o600, deviceNumber(major, minor)) === 0) return;
  throw systemError('mknod', path.toString());
}

/** The value of an extended attribute, up to 4 KiB, of what `path` leads to; `undefined` where it cannot be read. */
export function readXattr(path: Buffer, name: string): string | undefined {
  const value = Buffer.alloc(4_096);
  const length: unknown = cGetxattr(terminated(path), terminated(Buffer.from(name)), value, value.length);
  const bytes = Number(length);
  return bytes < 0 ? undefined : value.toString('latin1', 0, bytes);
}

/** The kernel's limits of a list of names, and of a value: xattr(7). */
const MOST_XATTR_BYTES = 65_536;
const xattrBytes = Buffer.alloc(MOST_XATTR_BYTES);

/**
 * The extended attributes of `path` itself, no link followed, names and values one character a byte; none where its file
 * system has none.
 */
export function readXattrs(path: Buffer): Map<string, string> {
  const values = new Map<string, string>();
  const length = Number(cLlistxattr(terminated(path), xattrBytes, xattrBytes.length));
  if (length < 0) {
    if (failedWith('ENOTSUP')) return values;
    throw systemError('llistxattr', path.toString());
  }
  const names = xattrBytes.toString('latin1', 0, length).split('\0').slice(0, -1);
  for (const name of names) {
    const at = terminated(pathBuffer(name));
    const bytes = Number(cLgetxattr(terminated(path), at, xattrBytes, xattrBytes.length));
    // Some are listed for everybody, and read by few.
    if (bytes >= 0) values.set(name, xattrBytes.toString('latin1', 0, bytes));
  }
  return values;
}

/** Sets an extended attribute of `path` itself, no link followed; name and value have one character a byte. */
export function setXattr(path: Buffer, name: BytePath, value: BytePath): void {
  const bytes = pathBuffer(value);
  if (cSetxattr(terminated(path), terminated(pathBuffer(name)), bytes, bytes.length, 0) === 0) return;
  throw systemError('lsetxattr', path.toString());
}

/** Returns when everything written to the file system that holds the open file `fd` is on its disk. */
export async function syncFileSystem(fd: number): Promise<void> {
  const result = await new Promise<number>((resolve, reject) => {
    cSyncfs.async(fd, (error: Error | null, value: number) =>
      error === null ? resolve(value) : reject(error),
    );
  });
  if (result !== 0) throw systemError('syncfs', `descriptor ${fd}`);
}

/** Returns true where the file system at `path` is mounted with `option`. */
export function isMountedWith(path: string, option: keyof typeof MOUNT_FLAG): boolean {
  const found: { flags?: number | bigint } = {};
  if (cStatvfs(terminated(Buffer.from(path)), found) !== 0) throw systemError('statvfs', path);
  return (BigInt(found.flags ?? 0) & MOUNT_FLAG[option]) !== 0n;
}

export interface Pipe {
  readonly readEnd: number;
  /** Does not block: a write to a full pipe is an EAGAIN. */
  readonly writeEnd: number;
}

/** A pipe that holds `capacityBytes`, or the system's default where it does not allow so much. */
export function makePipe(capacityBytes: number): Pipe {
  const ends = new Int32Array(2);
  if (cPipe2(ends, O_CLOEXEC) !== 0) throw systemError('pipe2', 'a new pipe');
  const [readEnd = -1, writeEnd = -1] = ends;
  if (cFcntl(writeEnd, F_SETFL, 'int', constants.O_NONBLOCK | constants.O_WRONLY) !== 0) {
    const error = systemError('fcntl', `descriptor ${writeEnd}`);
    closeSync(readEnd);
    closeSync(writeEnd);
    throw error;
  }
  cFcntl(writeEnd, F_SETPIPE_SZ, 'int', capacityBytes);
  return { readEnd, writeEnd };
}

/** Bytes in a pipe that nobody has read yet, given either of its ends: pipe(7). */
export function unreadBytes(fd: number): number {
  const count = new Int32Array(1);
  if (cIoctl(fd, FIONREAD, 'int *', count) !== 0) throw systemError('ioctl', `descriptor ${fd}`);
  return count[0] ?? 0;
}

type Mknod = (path: Buffer, mode: number, device: bigint) => number;

/** glibc before 2.33 exports no mknod: its headers call `__xmknod`, whose first argument is the version of its interface. */
function loadMknod(): Mknod {
  try {
    return libc.func('int mknod(const uint8_t *, uint32_t, uint64_t)') as Mknod;
  } catch {
    const cXmknod = libc.func('int __xmknod(int, const uint8_t *, uint32_t, uint64_t *)');
    return (path, mode, device) => Number(cXmknod(0, path, mode, BigUint64Array.of(device)));
  }
}

/** As glibc's makedev(3) packs it. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn)
  );
}

function terminated(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.from([0])]);
}

/** Returns true where the last call of {@link libc} failed with `code`, such as `EAGAIN`. */
export function failedWith(code: string): boolean {
  return koffi.errno() === koffi.os.errno[code];
}

/** Makes an error for the last call of {@link libc}, with `code`, `syscall` and `path` like Node's own. */
export function systemError(syscall: string, path: string): NodeJS.ErrnoException {
  const errno = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { errno: -errno, code, syscall, path });
}

function libcName(): string {
  const musl = readdirSync('/lib').find((name) => name.startsWith('libc.musl-'));
  return musl ?? 'libc.so.6';
}
