import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';

import { hasCode } from './died.ts';

/**
 * Removes what is at `path`, if anything, with everything below. Node's own recursive removal fails on names that
 * are no UTF-8.
 */
export function removeAll(path: Buffer): void {
  try {
    if (!lstatSync(path).isDirectory()) {
      unlinkSync(path);
      return;
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  for (const entry of readdirSync(path, { encoding: 'buffer', withFileTypes: true })) {
    const child = Buffer.concat([path, Buffer.from('/'), bytesOf(entry.name)]);
    if (entry.isDirectory()) removeAll(child);
    else unlinkSync(child);
  }
  rmdirSync(path);
}

/** The types say string, but it is what `encoding` asked for. */
function bytesOf(name: string | Buffer): Buffer {
  return Buffer.from(name);
}
