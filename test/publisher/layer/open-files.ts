import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { hasCode } from '../../../core/system-error.ts';
import { PATIENCE_MS } from '../../support/patience.ts';

/**
 * Descriptors of this process that lead to `path`, once those that are being closed are: a stream closes its file a
 * moment after it is destroyed. Empty where the system has no `/proc`.
 */
export async function openFiles(path: string): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const open = descriptorsTo((target) => target === path);
    if (open.length === 0 || performance.now() > deadline) return open;
    await setTimeout(10);
  }
}

/** Descriptors of this process that lead to files whose paths began so, and which have no name any more: as paths. */
export function unnamedFiles(startsWith: string): string[] {
  return descriptorsTo((target) => target.startsWith(startsWith) && target.endsWith(' (deleted)'));
}

function descriptorsTo(isIt: (target: string) => boolean): string[] {
  const descriptors = orIfMissing(() => readdirSync('/proc/self/fd'), []);
  return descriptors
    .map((descriptor) => `/proc/self/fd/${descriptor}`)
    .filter((at) => isIt(orIfMissing(() => readlinkSync(at), '')));
}

function orIfMissing<T>(read: () => T, missing: T): T {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return missing;
    throw error;
  }
}
