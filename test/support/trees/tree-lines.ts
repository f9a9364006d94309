import { lstatSync, readFileSync, readdirSync, readlinkSync, type Stats } from 'node:fs';

/**
 * A directory as the tests of trees print them, a line for each path, sorted: `d/ 700`, `f = content`, `g == f`,
 * `s -> target`, `n c 1:3`, `n p`.
 */
export function linesOfTree(root: string): string[] {
  const names = new Map<number, string>();
  return [...pathsIn(root, '')].sort().map((path) => {
    const at = pathIn(root, path);
    return `${path}${described(at, lstatSync(at), { path, names })}`;
  });
}

function* pathsIn(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(pathIn(root, folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString('latin1');
    const path = folder === '' ? name : `${folder}/${name}`;
    yield path;
    if (entry.isDirectory()) yield* pathsIn(root, path);
  }
}

function described(
  at: Buffer,
  found: Stats,
  { path, names }: { path: string; names: Map<number, string> },
): string {
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isDirectory()) return `/${mode === '755' ? '' : ` ${mode}`}`;
  if (found.isSymbolicLink()) return ` -> ${readlinkSync(at, 'buffer').toString('latin1')}`;
  if (found.isFIFO()) return ' p';
  if (!found.isFile()) {
    const [major, minor] = [(found.rdev >> 8) & 0xfff, found.rdev & 0xff];
    return ` ${found.isBlockDevice() ? 'b' : 'c'} ${major}:${minor}`;
  }
  const first = names.get(found.ino);
  if (first !== undefined) return ` == ${first}`;
  names.set(found.ino, path);
  return ` = ${readFileSync(at, 'latin1')}`;
}

function pathIn(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}
