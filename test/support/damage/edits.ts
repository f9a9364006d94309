import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { makeNode, readXattr, setXattr } from '../../../core/system/libc.ts';

/*
 * What somebody may do to published files by hand. Each change is to one name alone: other hard links of a file keep
 * what they have, and modes, owners and times stay unless they are what is changed.
 */

export function remove(path: string): void {
  rmSync(path, { recursive: true });
}

/** Other bytes of the same number, with the same time. */
export function change(path: string): void {
  edit(path, () => {
    const bytes = readFileSync(path);
    const first = bytes[0];
    if (first === undefined) throw new Error(`${path} is empty`);
    bytes[0] = first ^ 1;
    writeFileSync(path, bytes);
  });
}

export function lengthen(path: string): void {
  edit(path, () => appendFileSync(path, 'more\n'));
}

export function shorten(path: string): void {
  edit(path, (before) => truncateSync(path, Math.floor(before.size / 2)));
}

/** The text of a file becomes another one. */
export function rewrite(path: string, textOf: (before: string) => string): void {
  edit(path, () => writeFileSync(path, textOf(readFileSync(path, 'utf8'))));
}

export function setMode(path: string, mode: number): void {
  edit(path, () => undefined);
  chmodSync(path, mode);
}

export function setOwner(path: string, { uid, gid }: { readonly uid?: number; readonly gid?: number }): void {
  edit(path, () => undefined);
  const found = lstatSync(path);
  lchownSync(path, uid ?? found.uid, gid ?? found.gid);
  // The kernel takes set-uid bits with it.
  if (!found.isSymbolicLink()) chmodSync(path, found.mode & 0o7777);
}

export function setTime(path: string, seconds: number): void {
  edit(path, () => undefined);
  utimesSync(path, seconds, seconds);
}

/** Another file of the same content in place of one that has several names. */
export function unlinkFromOthers(path: string): void {
  edit(path, () => undefined);
}

export function leadElsewhere(path: string, target: string): void {
  const { uid, gid } = lstatSync(path);
  rmSync(path, { recursive: true });
  symlinkSync(target, path);
  lchownSync(path, uid, gid);
}

export function becomeFile(path: string): void {
  rmSync(path, { recursive: true });
  writeFileSync(path, 'a file\n');
}

export function becomeFolder(path: string): void {
  rmSync(path, { recursive: true });
  mkdirSync(path);
}

export function becomeDevice(path: string, numbers: readonly [major: number, minor: number]): void {
  const { mode, uid, gid } = lstatSync(path);
  const [major, minor] = numbers;
  rmSync(path);
  makeNode(Buffer.from(path), { type: 'character-device', major, minor });
  lchownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
}

export function addFile(path: string): void {
  writeFileSync(path, 'nobody asked for it\n');
}

export function addFolder(path: string): void {
  mkdirSync(join(path, 'below'), { recursive: true });
  addFile(join(path, 'below', 'file'));
}

/** All that a folder holds. */
export function empty(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
}

/** Makes a file or folder anew, without its extended attributes. */
export function dropAttributes(path: string): void {
  const found = lstatSync(path);
  const other = `${path}.other`;
  if (found.isDirectory()) {
    mkdirSync(other);
    for (const name of readdirSync(path)) renameSync(join(path, name), join(other, name));
    rmSync(path, { recursive: true });
  } else copyFileSync(path, other);
  renameSync(other, path);
  restore(path, found);
}

export function setAttribute(path: string, name: string, value: Buffer): void {
  edit(path, () => undefined);
  setXattr(Buffer.from(path), name, value.toString('latin1'));
}

/** Changes a copy in place of the file, which has its mode, owner, time and attributes. */
function edit(path: string, work: (before: Stats) => void): void {
  const before = lstatSync(path);
  if (before.isFile()) {
    const attributes = ATTRIBUTES.map((name) => [name, readXattr(Buffer.from(path), name)] as const);
    const copy = `${path}.copy`;
    copyFileSync(path, copy);
    renameSync(copy, path);
    work(before);
    restore(path, before);
    for (const [name, value] of attributes) if (value !== undefined) setXattr(Buffer.from(path), name, value);
    return;
  }
  work(before);
}

/** Those that published files have. */
const ATTRIBUTES = ['security.capability', 'user.note'] as const;

function restore(path: string, { uid, gid, mode, atime, mtime }: Stats): void {
  lchownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
  utimesSync(path, atime, mtime);
}
