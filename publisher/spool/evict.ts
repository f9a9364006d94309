import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../core/system-error.ts';

/** What had to go. */
export interface Evicted {
  readonly files: number;
  readonly bytes: number;
}

interface Found {
  readonly path: string;
  readonly isHeld: boolean;
  readonly bytes: number;
  readonly changedMs: number;
}

/** Removes files of `folders`, the one first that was written longest ago, until all take at most `mostBytes`. */
export async function evictOldest(
  folders: readonly string[],
  mostBytes: number,
  isHeld: (name: string) => boolean,
): Promise<Evicted> {
  const found = (await Promise.all(folders.map(async (folder) => await filesIn(folder, isHeld)))).flat();
  let total = found.reduce((sum, { bytes }) => sum + bytes, 0);
  const gone = { files: 0, bytes: 0 };
  for (const file of found.filter((one) => !one.isHeld).sort((a, b) => a.changedMs - b.changedMs)) {
    if (total <= mostBytes) break;
    await rm(file.path, { force: true });
    total -= file.bytes;
    gone.files++;
    gone.bytes += file.bytes;
  }
  return gone;
}

async function filesIn(folder: string, isHeld: (name: string) => boolean): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    try {
      const { size, mtimeMs } = await lstat(path);
      found.push({ path, isHeld: isHeld(name), bytes: size, changedMs: mtimeMs });
    } catch (error) {
      // A download of another image has just come to its end.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return found;
}
