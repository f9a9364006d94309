import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { Failure, isFailure, type FailureCode } from '../failure.ts';
import { quoted } from '../text.ts';

/** A folder for files that only this user reads and writes. */
export interface PrivateFolder {
  readonly path: string;
  /** Names of which one is in every folder of this kind that was used before. */
  readonly marks: readonly string[];
  /** Code of the failure. */
  readonly unusable: FailureCode;
  /** Told what had to be done to it. */
  readonly note: (message: string) => void;
}

const OTHERS = 0o077;
const WRITE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** As many as Linux follows: path_resolution(7). */
const MOST_LINKS = 40;

/**
 * Makes the folder where it is missing, and closes it to others where it is open to them.
 *
 * @throws Failure `unusable` where others could exchange what is in it, or it is not of this kind; an error of the file
 *   system
 */
export function keepPrivate({ path, marks, unusable, note }: PrivateFolder): void {
  refuseOthers(path, unusable);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const folder = realpathSync(path);
  const found = lstatSync(folder);
  if (found.uid !== user()) throw foreign(folder, found.uid, unusable);
  if (found.isDirectory() && (found.mode & OTHERS) === 0) return;
  const mode = shownMode(found);
  const names = readdirSync(folder);
  if (names.length > 0 && !names.some((name) => marks.includes(name)))
    throw new Failure(
      unusable,
      `${quoted(folder)} is open to other users (${mode}), and not only unpackd's`,
      {
        hint: 'name a folder for unpackd alone, or close this one: chmod go-rwx',
      },
    );
  chmodSync(folder, found.mode & 0o700);
  note(`${folder} is closed to other users now (it had mode ${mode})`);
}

/** Returns true where nobody else can replace the content of the folder, which need not exist yet. */
export function isSafe(path: string): boolean {
  try {
    refuseOthers(path, 'bug');
    return true;
  } catch (error) {
    if (isFailure(error)) return false;
    throw error;
  }
}

/**
 * Goes to `path`, through links too, as far as it is there. Every folder on the way must be root's or this user's, and
 * nobody else may write there, unless it has the sticky bit and what is entered is root's or this user's.
 *
 * @throws Failure with the code `unusable`
 */
export function refuseOthers(path: string, unusable: FailureCode): void {
  const left = resolve(path).split('/').slice(1);
  let at = '/';
  refuseFolder(at, lstatSync(at), { unusable, isLast: false });
  let links = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const here = join(at, name);
    const found = lstatSync(here, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isSymbolicLink()) {
      if (!isTrusted(found)) throw foreign(here, found.uid, unusable);
      const target = readlinkSync(here);
      if (++links > MOST_LINKS)
        throw new Failure(unusable, `${quoted(path)} leads through too many symbolic links`, {
          hint: 'name the folder itself',
        });
      if (isAbsolute(target)) at = '/';
      for (const part of target.split('/').toReversed()) if (part !== '') left.unshift(part);
      continue;
    }
    if (found.isDirectory()) refuseFolder(here, found, { unusable, isLast: left.length === 0 });
    at = here;
  }
}

function refuseFolder(
  path: string,
  found: Stats,
  { unusable, isLast }: { unusable: FailureCode; isLast: boolean },
): void {
  if (!isTrusted(found)) throw foreign(path, found.uid, unusable);
  const isOpen = (found.mode & WRITE_BY_OTHERS) !== 0;
  if (!isOpen || (!isLast && (found.mode & STICKY) !== 0)) return;
  throw new Failure(
    unusable,
    `other users may write in ${quoted(path)} (${shownMode(found)}), and could exchange what unpackd has there`,
    { hint: `take that away, "chmod go-w ${path}", or name another folder` },
  );
}

function foreign(path: string, uid: number, unusable: FailureCode): Failure {
  return new Failure(
    unusable,
    `${quoted(path)} belongs to user ${uid}, who could exchange what unpackd has there`,
    { hint: `name a folder below those of root and of the user that runs unpackd alone` },
  );
}

function isTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === user();
}

function user(): number | undefined {
  return process.geteuid?.();
}

function shownMode({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
