import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { copyOf, directory, symlink } from '../../test/support/images/layer-entry.ts';
import type { LayerEntry } from '../../test/support/images/layer-entry.ts';

/** Where the images have Node. */
export const NODE = '/usr/local/bin/node';

/**
 * The running Node with the shared libraries that it has loaded, as entries of a layer: enough to run scripts in a root
 * file system that holds nothing else.
 */
export async function nodeFiles(): Promise<LayerEntry[]> {
  const program = await realpath(process.execPath);
  const libraries = await loadedLibraries();
  const entries = [await copied(NODE, program)];
  for (const library of libraries) {
    entries.push(await copied(library, library), ...(await otherNames(library)));
  }
  const loader = await loaderOf(program);
  if (loader !== undefined && !libraries.includes(loader)) {
    entries.push(symlink(inImage(loader), await realpath(loader)));
  }
  return [...parentsOf(entries), ...entries];
}

/** The kernel says which files are mapped; other systems than Linux have no such list, and so no libraries. */
async function loadedLibraries(): Promise<string[]> {
  const maps = await textIfPresent('/proc/self/maps');
  const paths = maps.split('\n').map((line) => /^(?:\S+\s+){5}(\/.*)$/.exec(line)?.[1] ?? '');
  return [...new Set(paths)].filter((path) => /\.so(?:\.[0-9.]+)?$/.test(path)).sort();
}

/** Programs ask for a library by a shorter name, a symbolic link beside it. */
async function otherNames(library: string): Promise<LayerEntry[]> {
  const folder = dirname(library);
  const found: LayerEntry[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isSymbolicLink() || !/\.so(?:\.|$)/.test(entry.name)) continue;
    if ((await realpathIfPresent(path)) === library) found.push(symlink(inImage(path), basename(library)));
  }
  return found;
}

/**
 * The loader that the kernel starts `program` with, by the name that the program gives it.
 *
 * @see elf(5), PT_INTERP
 */
async function loaderOf(program: string): Promise<string | undefined> {
  const head = await firstBytes(program, 64 * 1024);
  if (!head.subarray(0, 5).equals(Buffer.from('\x7fELF\x02', 'latin1'))) return undefined;
  const [tableOffset, entryBytes, count] = [
    Number(head.readBigUInt64LE(32)),
    head.readUInt16LE(54),
    head.readUInt16LE(56),
  ];
  for (let index = 0; index < count; index++) {
    const header = head.subarray(tableOffset + index * entryBytes);
    if (header.readUInt32LE(0) !== 3) continue;
    const [offset, sizeBytes] = [Number(header.readBigUInt64LE(8)), Number(header.readBigUInt64LE(32))];
    return head.toString('latin1', offset, offset + sizeBytes - 1);
  }
  return undefined;
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function copied(path: string, source: string): Promise<LayerEntry> {
  const { mtime } = await stat(source);
  return copyOf(inImage(path), source, { mode: 0o755, mtime: Math.floor(mtime.getTime() / 1000) });
}

function parentsOf(entries: readonly LayerEntry[]): LayerEntry[] {
  const parents = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'raw') continue;
    for (let path = dirname(String(entry.path)); path !== '.'; path = dirname(path)) parents.add(path);
  }
  return [...parents].sort().map((path) => directory(path));
}

function inImage(path: string): string {
  return path.replace(/^\//, '');
}

async function textIfPresent(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

async function realpathIfPresent(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
