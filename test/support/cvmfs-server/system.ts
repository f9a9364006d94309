import { createRequire } from 'node:module';

import type Koffi from 'koffi';

import { hasCode } from './died.ts';

/**
 * The system calls that Node has not. The library behind them is loaded at the first call only, because most runs of
 * the double need none of them.
 */
export type SpecialType = 'character-device' | 'block-device' | 'fifo';

const FORMAT: Record<SpecialType, number> = {
  'character-device': 0o020000,
  'block-device': 0o060000,
  fifo: 0o010000,
};

/** Two names of one number. */
const NOT_STORED = ['ENOTSUP', 'EOPNOTSUPP'];

/** @returns `false` where this user may not make such a device. */
export function makeSpecial(
  path: Buffer,
  type: SpecialType,
  device: { major: number; minor: number },
): boolean {
  const { libc, errorCode } = load();
  const result = libc.mknod(terminated(path), FORMAT[type] | 0o600, encodeDevice(device.major, device.minor));
  if (result === 0) return true;
  if (errorCode() === 'EPERM') return false;
  throw systemError('mknod', path, errorCode());
}

/** Names of all extended attributes, of a symbolic link its own. */
export function listAttributes(path: Buffer): string[] {
  const { libc, errorCode } = load();
  const list = Buffer.alloc(65_536);
  const sizeBytes = Number(libc.llistxattr(terminated(path), list, list.length));
  if (sizeBytes >= 0) return list.toString('latin1', 0, sizeBytes).split('\0').slice(0, -1);
  if (NOT_STORED.includes(errorCode())) return [];
  throw systemError('llistxattr', path, errorCode());
}

export function getAttribute(path: Buffer, name: string): Buffer {
  const { libc, errorCode } = load();
  const value = Buffer.alloc(65_536);
  const sizeBytes = Number(libc.lgetxattr(terminated(path), nameBytes(name), value, value.length));
  if (sizeBytes < 0) throw systemError(`lgetxattr ${name}`, path, errorCode());
  return value.subarray(0, sizeBytes);
}

export function setAttribute(path: Buffer, name: string, value: Buffer): void {
  const { libc, errorCode } = load();
  if (libc.lsetxattr(terminated(path), nameBytes(name), value, value.length, 0) === 0) return;
  throw systemError(`lsetxattr ${name}`, path, errorCode());
}

export function removeAttribute(path: Buffer, name: string): void {
  const { libc, errorCode } = load();
  if (libc.lremovexattr(terminated(path), nameBytes(name)) === 0) return;
  throw systemError(`lremovexattr ${name}`, path, errorCode());
}

type Libc = Record<
  'mknod' | 'llistxattr' | 'lgetxattr' | 'lsetxattr' | 'lremovexattr',
  (...values: unknown[]) => unknown
>;

let loaded: { libc: Libc; errorCode: () => string } | undefined;

function load(): { libc: Libc; errorCode: () => string } {
  if (loaded !== undefined) return loaded;
  const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
  const library = koffi.load(null);
  const libc = {
    mknod: library.func('int mknod(const void *path, unsigned int mode, uint64_t device)'),
    llistxattr: library.func('intptr_t llistxattr(const void *path, _Out_ void *list, size_t size)'),
    lgetxattr: library.func(
      'intptr_t lgetxattr(const void *path, const void *name, _Out_ void *value, size_t size)',
    ),
    lsetxattr: library.func(
      'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
    ),
    lremovexattr: library.func('int lremovexattr(const void *path, const void *name)'),
  };
  const codes = new Map(Object.entries(koffi.os.errno).map(([code, number]) => [number, code]));
  loaded = { libc, errorCode: () => codes.get(koffi.errno()) ?? `errno ${koffi.errno()}` };
  return loaded;
}

function nameBytes(name: string): Buffer {
  return terminated(Buffer.from(name, 'latin1'));
}

function terminated(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.of(0)]);
}

/** The number of a device as Node gives it in `rdev`. */
export function makeDevice(major: number, minor: number): number {
  return Number(encodeDevice(major, minor));
}

/** glibc's makedev(3). */
function encodeDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn);
}

/** The reverse, of what Node gives as `rdev`. */
export function decodeDevice(device: number): { major: number; minor: number } {
  const number = BigInt(device);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffffffffn)),
  };
}

function systemError(call: string, path: Buffer, code: string): Error {
  return Object.assign(new Error(`${call} ${path.toString()}: ${code}`), { code });
}

/** Whether the file system below `path` stores attributes of users. */
export function storesAttributes(path: Buffer): boolean {
  try {
    setAttribute(path, 'user.unpackd.probe', Buffer.from('1'));
    removeAttribute(path, 'user.unpackd.probe');
    return true;
  } catch (error) {
    if (hasCode(error, 'EPERM', ...NOT_STORED)) return false;
    throw error;
  }
}
