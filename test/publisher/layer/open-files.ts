import { readdir, readlink } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { PATIENCE_MS } from '../../support/patience.ts';

/**
 * Descriptors of this process that lead to `path`, once those that are being closed are: a stream closes its file a
 * moment after it is destroyed. Empty where the system has no `/proc`.
 */
export async function openFiles(path: string): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const open = await descriptorsOf(path);
    if (open.length === 0 || performance.now() > deadline) return open;
    await setTimeout(10);
  }
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
