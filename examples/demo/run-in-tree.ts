import { execFile } from 'node:child_process';
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { NODE } from './node-files.ts';
import { filesBelow } from './published-tree.ts';

const run = promisify(execFile);

/** Names of the program that loads others with their libraries, of glibc and musl: `ld-linux-x86-64.so.2`. */
const LOADER = /^ld(?:64)?[-.].*so/;

/**
 * What the Node of the root file system `root` prints, run with `script` (paths in the tree) by the tree's own loader:
 * so all libraries are the tree's, which needs no privileges. `undefined`: it cannot be run in this way, since this
 * machine's Node has no loader, or programs may not be run from this file system.
 */
export async function runInTree(
  root: string,
  script: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const tree = await realpath(root);
  const files = await filesBelow(tree, (name) => name.startsWith('.'));
  const libraries = files.filter((path) => /\.so(?:\.[0-9.]+)?$/.test(path));
  const loader = await firstFile(
    libraries.filter((path) => LOADER.test(basename(path))).map((path) => join(tree, path)),
  );
  if (loader === undefined) return undefined;
  const folders = [...new Set(libraries.map((path) => join(tree, dirname(path))))];
  const words = [
    '--library-path',
    folders.join(':'),
    join(tree, NODE),
    ...script.map((path) => join(tree, path)),
  ];
  try {
    return (await run(loader, words, { env: {}, signal })).stdout;
  } catch (error) {
    // The file system is mounted without the permission to run programs.
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return undefined;
    throw error;
  }
}

/** Symbolic links are passed over: absolute ones would lead out of the tree. */
async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await lstat(path)).isFile()) return path;
  return undefined;
}
