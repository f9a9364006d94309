import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../core/system-error.ts';

/** Where in a spool the complete blobs lie, by the digits of their digests. */
export function blobsFolder(spool: string): string {
  return join(spool, 'blobs', 'sha256');
}

/** Where in a spool those lie that are under way. */
export function temporaryFolder(spool: string): string {
  return join(spool, 'tmp');
}

/** Bytes that a spool takes now, also while it is in use; none where it is not there or may not be read. */
export function spoolBytes(spool: string): number {
  return bytesIn(blobsFolder(spool)) + bytesIn(temporaryFolder(spool));
}

/** Bytes in `folders` of what is not held, by its name. */
export function unheldBytes(folders: readonly string[], isHeld: (name: string) => boolean): number {
  return folders.reduce((sum, folder) => sum + bytesIn(folder, (name) => !isHeld(name)), 0);
}

function bytesIn(folder: string, counts: (name: string) => boolean = () => true): number {
  try {
    return readdirSync(folder)
      .filter(counts)
      .reduce((sum, name) => {
        const found = statSync(join(folder, name), { throwIfNoEntry: false });
        return sum + (found?.size ?? 0);
      }, 0);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return 0;
    throw error;
  }
}
