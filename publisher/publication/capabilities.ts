import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMountedWith } from '../../core/system/libc.ts';
import type { Attributes } from './entry.ts';

/** Properties of images that a repository can store: asked while a publication is planned, before anything is written. */
export interface RepositoryCapabilities {
  readonly longestNameBytes: number;
  /** From the repository's root. */
  readonly longestPathBytes: number;
  /** Of a symbolic link. */
  readonly longestTargetBytes: number;
  /** Modification times that files can have, in seconds: those beyond become these. */
  readonly earliestTime: number;
  readonly latestTime: number;
  /** Larger files are held, but its clients have trouble with them; infinite where size does not matter. */
  readonly largeFileBytes: number;
  /** Most names of one file: further ones belong to a copy. Infinite where each name is a row of its own. */
  readonly mostLinks: number;
  /** Names may be bytes that are not valid UTF-8. */
  readonly takesAnyBytes: boolean;
  /** Devices can be made, other than deletions (0:0). */
  readonly takesDevices: boolean;
  /**
   * What gives published directories other attributes: the stream, which has them again; a part of the publication of its
   * own; or nothing but making them again.
   */
  readonly changesDirectories: 'in-stream' | 'apart' | 'never';
  /**
   * Returns true where files of different images that have these attributes may be one: where nobody but root and this user
   * can write to either through the other.
   */
  sharesFiles(attributes: Attributes): boolean;
  /** Returns true where an entry gets these owners. */
  takesOwner(attributes: Attributes): boolean;
  /** The names of the extended attributes that an entry with all these would lose. */
  lostXattrs(values: ReadonlyMap<string, string>): string[];
  /** Why it loses them. */
  readonly xattrsReason: string;
  /** Parts of images that are left out, since they would give rights to everybody on this machine. */
  readonly exposes: Exposure;
}

/** As far as a `Date` reaches, which the calls of Node are given: the years -271821 and 275760. */
export const EARLIEST_TIME = -8_640_000_000_000;
export const LATEST_TIME = 8_640_000_000_000;

/** The nearest time that can be set, in seconds. */
export function settableTime(seconds: number): number {
  return Math.min(Math.max(seconds, EARLIEST_TIME), LATEST_TIME);
}

/** xattr(7), symlink(7), path_resolution(7): what Linux itself allows. */
export const LINUX_LIMITS = { longestNameBytes: 255, longestTargetBytes: 4_095, longestPathBytes: 4_095 };

/** Content of a directory that gives rights on this machine to everybody who enters it. */
export interface Exposure {
  /** Set-user-ID and set-group-ID bits, and file capabilities. */
  readonly setId: boolean;
  /** Device nodes, other than deletions (0:0). */
  readonly devices: boolean;
}

export const NO_EXPOSURE: Exposure = { setId: false, devices: false };

const SEARCH_BY_OTHERS = 0o001;

/**
 * What the existing directory `folder` exposes: nothing where it, or a directory above it, keeps others out; else what its
 * mount does not forbid (`nosuid`, `nodev`). Access lists, and other mounts of the same file system, are not looked at.
 */
export function exposureOf(folder: string): Exposure {
  const path = realpathSync(folder);
  if (keepsOthersOut(path)) return NO_EXPOSURE;
  return { setId: !isMountedWith(path, 'nosuid'), devices: !isMountedWith(path, 'nodev') };
}

/** Only a directory of root's or this user's: others may open theirs again. */
function keepsOthersOut(path: string): boolean {
  for (let folder = path, below = ''; folder !== below; below = folder, folder = dirname(folder)) {
    const { mode, uid } = statSync(folder);
    if ((mode & SEARCH_BY_OTHERS) === 0 && (uid === 0 || uid === process.geteuid?.())) return true;
  }
  return false;
}
