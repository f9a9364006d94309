import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { imagesJsonPath, storeRoot } from '../../publisher/outputs/podman/paths.ts';

const PODMAN_STORE = storeRoot('');

/** What stands in the repository's folders of trees. */
const KINDS = [
  ['.flat', 'root file systems'],
  ['.layers', 'unpacked layers'],
] as const;

/**
 * The repository in a few lines: public names with what they lead to, how many trees there are of each kind, and how
 * many layers podman's store has.
 */
export async function publishedTree(repository: string): Promise<string[]> {
  const isPublicName = (name: string): boolean => !name.startsWith('.') && name !== PODMAN_STORE;
  const names = (await filesBelow(repository, (name) => !isPublicName(name))).sort();
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map(
    async (name) => `${name.padEnd(width)} -> ${shortened(await readlink(join(repository, name)))}`,
  );
  const counts = KINDS.map(async ([kind, what]) => {
    const folders = await readdir(join(repository, kind));
    const trees = await Promise.all(folders.map(async (two) => await readdir(join(repository, kind, two))));
    return `${kind.padEnd(width)}    ${trees.flat().length} ${what}`;
  });
  const images = parsed(await readFile(join(repository, imagesJsonPath(PODMAN_STORE)), 'utf8'));
  const store = `${PODMAN_STORE.padEnd(width)}    podman's image store, with ${images.length} images`;
  return [...(await Promise.all([...lines, ...counts])), store];
}

/** Bytes of all files below `folder`: with each of their names counted, and with each file counted once. */
export async function sizesBelow(folder: string): Promise<{ asNamed: number; onDisk: number }> {
  const files = new Map<number, number>();
  let asNamed = 0;
  for (const path of await filesBelow(folder, () => false)) {
    const found = await lstat(join(folder, path));
    if (!found.isFile()) continue;
    asNamed += found.size;
    files.set(found.ino, found.size);
  }
  return { asNamed, onDisk: [...files.values()].reduce((sum, size) => sum + size, 0) };
}

/** Paths of everything below `folder` that is no directory, relative to it. */
export async function filesBelow(folder: string, skip: (name: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (skip(entry.name)) continue;
    if (!entry.isDirectory()) found.push(entry.name);
    else {
      const below = await filesBelow(join(folder, entry.name), skip);
      found.push(...below.map((path) => join(entry.name, path)));
    }
  }
  return found;
}

function parsed(text: string): readonly unknown[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value : [];
}

function shortened(target: string): string {
  return target.replace(/([0-9a-f]{12})[0-9a-f]{52}$/, '$1…');
}
