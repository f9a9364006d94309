import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf, type Digest } from '../../core/oci/digest.ts';

/** How long nobody may have gone on with a part until its image counts as no longer wanted. */
const LONGEST_REST_MS = 3 * 24 * 60 * 60 * 1000;

const PART = /^[0-9a-f]{64}\.part$/;

/**
 * Under which name the part of a blob lies: the first that is not `taken` by others who fetch the same blob. What has another
 * name than the usual one does not outlive the process.
 */
export function partName(digest: Digest, taken: ReadonlySet<string> = new Set()): string {
  const hex = hexOf(digest);
  let name = `${hex}.part`;
  for (let number = 2; taken.has(name); number++) name = `${hex}.${number}.part`;
  return name;
}

/** Whether a file with this name is the blob `digest`, or a part of it. */
export function isOf(name: string, digest: Digest): boolean {
  return name === hexOf(digest) || name.startsWith(`${hexOf(digest)}.`);
}

/** What an earlier process left half done. */
export interface Leftovers {
  /** Parts that a download can go on with. */
  readonly kept: number;
  readonly removed: number;
}

/** Removes everything in `directory` except the parts that a download can still go on with. */
export async function removeLeftovers(directory: string): Promise<Leftovers> {
  const left = { kept: 0, removed: 0 };
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (await isFreshPart(name, path)) left.kept++;
    else {
      await rm(path, { recursive: true, force: true });
      left.removed++;
    }
  }
  return left;
}

async function isFreshPart(name: string, path: string): Promise<boolean> {
  if (!PART.test(name)) return false;
  const found = await lstat(path);
  return found.isFile() && Date.now() - found.mtimeMs < LONGEST_REST_MS;
}
