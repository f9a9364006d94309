import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMountedWith } from '../../core/system/libc.ts';

/** What of a directory's content gives rights on this machine to everybody who enters it. */
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
