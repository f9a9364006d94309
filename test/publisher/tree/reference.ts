import type { LayerEntry, Name } from '../../support/images/layer-entry.ts';
import type { Stack } from './stack.ts';

/**
 * The specification's words as slow, obvious code: a file system that is a map of paths, to which the members of the
 * layers are applied one by one. Deletions of a layer hold for what is below it, wherever they stand in the archive.
 *
 * @see OCI image specification 1.1, layer.md, "Applying Changesets"
 */

interface Inode {
  readonly type: string;
  /** Content, target of a symbolic link, or device numbers. */
  readonly value: string;
  readonly mode: number;
}

type Tree = Map<string, Inode>;

export type Outcome =
  | { readonly kind: 'tree'; readonly lines: string[] }
  /** A member that cannot be applied. */
  | { readonly kind: 'failure' }
  /**
   * A layer that changes links of lower layers and also goes through them, deletes through links that it brings or
   * that lead in a circle, or replaces what cannot be applied: images have no such layers, and each unpacker makes of them what it will.
   */
  | { readonly kind: 'undefined' };

export function applyStack(stack: Stack): Outcome {
  let tree: Tree = new Map();
  for (const entries of stack) {
    const layer = new LayerApplication(tree);
    const failed = firstFailure(layer, entries);
    if (layer.isUndefined || (failed !== undefined && isReplacedLater(entries, failed))) {
      return { kind: 'undefined' };
    }
    if (failed !== undefined || [...layer.tree.values()].includes(BROKEN)) return { kind: 'failure' };
    tree = layer.tree;
  }
  return { kind: 'tree', lines: linesOf(tree) };
}

/** The first member that cannot be applied. */
interface Failed {
  readonly position: number;
  /** What is in its way: links that lead in a circle. */
  readonly obstacles: readonly string[];
}

function firstFailure(layer: LayerApplication, entries: readonly LayerEntry[]): Failed | undefined {
  for (const entry of entries) layer.delete(entry);
  for (const [position, entry] of entries.entries()) {
    try {
      layer.apply(entry);
    } catch (error) {
      if (error instanceof Inapplicable) return { position, obstacles: error.obstacles };
      throw error;
    }
  }
  return undefined;
}

/**
 * Whether a later member takes the place of the one that cannot be applied, or of what is in its way; where the layer
 * brings symbolic links that cannot be told by the paths.
 */
function isReplacedLater(entries: readonly LayerEntry[], { position, obstacles }: Failed): boolean {
  if (entries.some(({ type }) => type === 'symlink')) return true;
  const path = pathOf(entries[position]);
  return entries.slice(position + 1).some((entry) => {
    const later = pathOf(entry);
    return [path, ...obstacles].some((way) => isWithin(way, later));
  });
}

/** A hard link to what is no file; whether that is found out when it is replaced later is of no matter. */
const BROKEN: Inode = { type: 'broken', value: '', mode: 0 };

class Inapplicable extends Error {
  readonly obstacles: readonly string[];

  constructor(obstacles: readonly string[]) {
    super(`${obstacles.join(', ')} cannot be gone through`);
    this.obstacles = obstacles;
  }
}

class LayerApplication {
  readonly tree: Tree;
  readonly #lower: Tree;
  /** Symbolic links of lower layers that were gone through, and where they led. */
  readonly #passed = new Set<string>();
  /** What the layer wrote or deleted without going through such a link. */
  readonly #touched = new Set<string>();
  readonly #own = new Set<string>();
  readonly #aside = new Map<string, Inode>();
  #isOdd = false;

  constructor(lower: Tree) {
    this.#lower = lower;
    this.tree = new Map(lower);
  }

  get isUndefined(): boolean {
    if (this.#isOdd) return true;
    return [...this.#passed].some((passed) =>
      [...this.#touched].some((touched) => isWithin(touched, passed) || isWithin(passed, touched)),
    );
  }

  delete(entry: LayerEntry): void {
    const { folder, name } = placeOf(entry);
    if (!name.startsWith('.wh.') || isAside(pathOf(entry))) return;
    this.#isOdd ||= follow(this.tree, folder, []) === undefined;
    if (this.#isOdd) return;
    const at = this.#resolve(folder);
    const gone = name === '.wh..wh..opq' ? at : join(at, name.slice('.wh.'.length));
    this.#remove(gone, name !== '.wh..wh..opq');
  }

  apply(entry: LayerEntry): void {
    if (isAside(pathOf(entry))) {
      this.#aside.set(pathOf(entry), this.#inodeOf(entry));
      return;
    }
    const { folder, name } = placeOf(entry);
    if (entry.type === 'link' && this.#isLeftOut(text(entry.target))) return;
    if (name.startsWith('.wh.')) {
      this.#isOdd ||= this.#leadsThroughOwn(folder);
      return;
    }
    if (entry.type === 'link') this.#isOdd ||= this.#isAbove(text(entry.target), folder);
    const at = join(this.#folder(folder), name);
    const there = this.tree.get(at);
    this.#isOdd ||= there === BROKEN;
    const inode = this.#inodeOf(entry);
    if (there?.type !== 'directory' || inode.type !== 'directory') this.#remove(at, true);
    this.tree.set(at, inode);
    this.#own.add(at);
  }

  /** A hard link to the directory in which it lies, or to one above that. */
  #isAbove(target: string, path: string): boolean {
    const { folder, name } = split(target);
    return isWithin(this.#resolve(path), join(this.#resolve(folder), name));
  }

  #leadsThroughOwn(path: string): boolean {
    return linksTo(this.tree, path).some((link) => this.#own.has(link));
  }

  #inodeOf(entry: LayerEntry): Inode {
    switch (entry.type) {
      case 'file':
        return { type: 'file', value: entry.content.toString(), mode: entry.mode ?? 0o644 };
      case 'directory':
        return { type: 'directory', value: '', mode: entry.mode ?? 0o755 };
      case 'symlink':
        return { type: 'symlink', value: text(entry.target), mode: 0o777 };
      case 'link':
        return this.#linked(text(entry.target));
      default:
        throw new Error(`no ${entry.type} in random layers`);
    }
  }

  /** What CernVM-FS would act on in a lower layer: a hard link to it is left out too. */
  #isLeftOut(target: string): boolean {
    return target.includes('.cvmfs') && !this.#aside.has(target);
  }

  /** What this layer does not hold is sought in those below as they were. */
  #linked(target: string): Inode {
    const aside = this.#aside.get(target);
    if (aside !== undefined) return aside;
    const { folder, name } = split(target);
    const at = this.#resolve(folder);
    const own = this.tree.get(join(at, name));
    const found = own ?? this.#lower.get(join(resolved(this.#lower, at).path, name));
    return found === undefined || found.type === 'directory' ? BROKEN : found;
  }

  /** The directory at `path`, made with all above it where it is missing, or something else. */
  #folder(path: string): string {
    let made = '';
    for (const component of this.#resolve(path).split('/')) {
      if (component === '') continue;
      made = join(made, component);
      const there = this.tree.get(made);
      if (there?.type === 'directory') continue;
      this.#isOdd ||= there === BROKEN;
      if (there !== undefined) this.#remove(made, true);
      this.tree.set(made, { type: 'directory', value: '', mode: 0o755 });
      this.#own.add(made);
    }
    return made;
  }

  #resolve(path: string): string {
    const { path: found, links } = resolved(this.tree, path);
    const lowerLinks = links.filter((link) => !this.#own.has(link));
    if (lowerLinks.length === 0) this.#touched.add(found);
    for (const passed of lowerLinks.length === 0 ? [] : [...lowerLinks, found]) this.#passed.add(passed);
    return found;
  }

  #remove(path: string, isItself: boolean): void {
    this.#touched.add(path);
    for (const found of this.tree.keys()) {
      if (found === path || !isWithin(found, path)) continue;
      this.#isOdd ||= this.tree.get(found) === BROKEN;
      this.tree.delete(found);
    }
    if (isItself) this.tree.delete(path);
  }
}

/** Where `path` leads, and the symbolic links that it leads through. */
function resolved(tree: Tree, path: string): { path: string; links: string[] } {
  const links: string[] = [];
  const found = follow(tree, path, links);
  if (found === undefined) throw new Inapplicable([path, ...links]);
  return { path: found, links };
}

function linksTo(tree: Tree, path: string): string[] {
  const links: string[] = [];
  follow(tree, path, links);
  return links;
}

/** Notes the links in `links`; `undefined`: a circle. */
function follow(tree: Tree, path: string, links: string[]): string | undefined {
  let found = '';
  let rest = path.split('/');
  for (let component = rest.shift(); component !== undefined; component = rest.shift()) {
    if (component === '' || component === '.') continue;
    if (component === '..') {
      found = split(found).folder;
      continue;
    }
    const at = join(found, component);
    const there = tree.get(at);
    if (there?.type !== 'symlink') {
      found = at;
      continue;
    }
    links.push(at);
    if (links.length > 40) return undefined;
    if (there.value.startsWith('/')) found = '';
    rest = [...there.value.split('/'), ...rest];
  }
  return found;
}

/** As `treeLines` prints the same tree. */
function linesOf(tree: Tree): string[] {
  const names = new Map<Inode, string>();
  return [...tree]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, inode]) => {
      if (inode.type === 'directory') {
        return `${path}/${inode.mode === 0o755 ? '' : ` ${inode.mode.toString(8)}`}`;
      }
      if (inode.type === 'symlink') return `${path} -> ${inode.value}`;
      const first = names.get(inode);
      if (first !== undefined) return `${path} == ${first}`;
      names.set(inode, path);
      return `${path} = ${inode.value}`;
    });
}

function placeOf(entry: LayerEntry): { folder: string; name: string } {
  return split(pathOf(entry));
}

/** Whether it is no part of the tree: books of AUFS, and what CernVM-FS would act on. */
function isAside(path: string): boolean {
  return path.startsWith('.wh..wh.plnk/') || path.includes('.cvmfs');
}

function pathOf(entry: LayerEntry | undefined): string {
  if (entry === undefined || entry.type === 'raw') throw new Error('no raw bytes in random layers');
  return text(entry.path);
}

function split(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function text(name: Name): string {
  return Buffer.from(name).toString('latin1');
}
