import { chmodSync, closeSync, fchownSync, lstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../core/system-error.ts';
import { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';

/** The database of a state directory. */
export function databasePath(directory: string): string {
  return join(directory, 'unpackd.db');
}

/** The files of the database at `path`: in WAL mode two more lie beside it. */
export function databaseFiles(path: string): string[] {
  return ['', '-wal', '-shm'].map((end) => `${path}${end}`);
}

/** True if this user owns `folder`, or would own it once made. */
export function isOurs(folder: string): boolean {
  const owner = ownerOf(folder);
  return owner === undefined || owner.uid === user();
}

/**
 * Keeps this user from making files in somebody else's state: they would be closed to the daemon that works there.
 *
 * @throws Failure `state-unusable`
 */
export function assertOurs(folder: string): void {
  const owner = ownerOf(folder);
  if (owner === undefined || owner.uid === user()) return;
  const name = userName(owner.uid);
  throw new Failure(
    'state-unusable',
    `${quoted(folder)} belongs to ${name ?? `the user ${owner.uid}`}, who could not use what this user makes there`,
    {
      hint: `run it as that user${name === undefined ? '' : `, "runuser -u ${name} -- unpackd …"`}, or name another directory with --state`,
    },
  );
}

/**
 * Makes the file `path` in `folder`, where it is not there yet, for the owner of that folder. One that is there is not
 * opened: closing it would drop the locks of all connections that this process has to it (fcntl(2)).
 *
 * @throws Failure `state-unusable` where this user can do so for himself alone; an error of the file system
 */
export function makeFileOfOwner(path: string, folder: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  const owner = ownerOf(folder);
  if (user() !== 0) assertOurs(folder);
  let fd: number;
  try {
    fd = openSync(path, 'ax', 0o600);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    throw error;
  }
  try {
    if (owner !== undefined && user() === 0) fchownSync(fd, owner.uid, owner.gid);
  } finally {
    closeSync(fd);
  }
}

/**
 * Closes the file `path` to other users: any reader of a database can hold its locks.
 *
 * @throws Failure `state-unusable` where something else is there
 */
export function closeToOthers(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isFile())
    throw new Failure('state-unusable', `${quoted(path)} is not a regular file`, {
      hint: 'find out who put it there, and move it away',
    });
  const isOpen = (found.mode & 0o077) !== 0;
  if (isOpen && (user() === 0 || found.uid === user())) chmodSync(path, found.mode & 0o700);
}

/** Whom `path` belongs to; `undefined` where it is not there, or cannot be looked at. */
export function ownerOf(path: string): { readonly uid: number; readonly gid: number } | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Opening it reports the reason.
    return undefined;
  }
}

/** As passwd(5) has it; users of other directories stay numbers. */
export function userName(uid: number): string | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return lines.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))?.[0];
  } catch {
    return undefined;
  }
}

function user(): number | undefined {
  return process.geteuid?.();
}
