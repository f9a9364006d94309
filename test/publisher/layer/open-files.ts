import { readdir, readlink } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/**
 * Descriptors of this process that lead to `path`, once those that are being closed are: a stream closes its file a
 * moment after it is destroyed. Empty where the system has no `/proc`.
 */
export async function openFiles(path: string): Promise<string[]> {
  let open = await descriptorsOf(path);
  for (let round = 0; round < 50 && open.length > 0; round++) {
    await setTimeout(10);
    open = await descriptorsOf(path);
  }
  return open;
}

async function descriptorsOf(path: string): Promise<string[]> {
  const open: string[] = [];
  for (const descriptor of await namesIn('/proc/self/fd')) {
    if ((await targetOf(`/proc/self/fd/${descriptor}`)) === path) open.push(descriptor);
  }
  return open;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function targetOf(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
