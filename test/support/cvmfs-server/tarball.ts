import { createReadStream } from 'node:fs';

import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';

import type { Attributes } from '../../../publisher/publication/entry.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import { clone, forget } from './chunked-files.ts';
import type { ChunkedFiles } from './chunked-files.ts';
import { Died, complain } from './died.ts';
import { EndOfArchive } from './end-of-archive.ts';
import { parentOf } from './tree.ts';
import type { Tree } from './tree.ts';

export interface TarballOptions {
  /** A file, or `-` for standard input; without it only deletions happen. */
  readonly tarFile: string | undefined;
  /** Without slashes at its ends; empty for the root. */
  readonly baseDirectory: BytePath;
  readonly deletions: readonly BytePath[];
  /** `undefined` keeps the owners of the tar. */
  readonly owner: Owner | undefined;
  /** Makes the base directory the root of a nested catalog. */
  readonly catalog: boolean;
  /** Makes an empty file of a hard link whose target is not there. */
  readonly toleratesMissingTargets: boolean;
  /** Called with the number of entries read so far, and the path of the last one. */
  readonly onEntries: (entries: number, path: string) => Promise<void>;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What an ingestion does to the catalogs, beside the tree. */
export interface Catalogs {
  /** The root directories of nested catalogs. */
  readonly nested: Set<BytePath>;
  /** Entries whose parent is no directory, or has been replaced: no later deletion removes them. */
  readonly dangling: BytePath[];
  readonly chunked: ChunkedFiles;
}

/** The owner -1 of a directory that no entry names, as the reading view shows it. */
const NOBODY: Owner = { uid: 65_534, gid: 65_534 };
const MARKER = '.cvmfscatalog';
/** Names are bytes. The types of the tar reader do not know this option. */
const READER = { highWaterMark: 1 << 20, filenameEncoding: 'latin1' };

/**
 * Applies deletions, then the tar stream, then its hard links to `tree`, which is a copy of `published`.
 *
 * @throws Died where the real program panics
 */
export async function applyTarball(
  trees: { readonly tree: Tree; readonly published: Tree },
  catalogs: Catalogs,
  options: TarballOptions,
): Promise<void> {
  const ingestion = new Ingestion(trees, catalogs, options);
  for (const path of options.deletions) ingestion.delete(path);
  await options.onEntries(0, '');
  if (options.tarFile !== undefined) await ingestion.read(options.tarFile);
  await ingestion.resolveLinks();
  trees.tree.finish();
}

/**
 * The rules of the real program, whose catalogs are rows keyed by path: "new" means that the published revision has
 * nothing at that path, whatever the deletions and the stream did since.
 */
class Ingestion {
  readonly #tree: Tree;
  readonly #published: Tree;
  readonly #catalogs: Catalogs;
  readonly #options: TarballOptions;
  /** What the stream said last about each directory that it names or implies. */
  readonly #directories = new Map<BytePath, Attributes>();
  /** Everything that the stream brought, but directories and hard links. */
  readonly #added = new Set<BytePath>();
  readonly #links: { readonly path: BytePath; readonly target: BytePath }[] = [];
  readonly #deleted: BytePath[] = [];
  readonly #marked = new Set<BytePath>();
  readonly #dangling = new Set<BytePath>();

  constructor(
    trees: { readonly tree: Tree; readonly published: Tree },
    catalogs: Catalogs,
    options: TarballOptions,
  ) {
    this.#tree = trees.tree;
    this.#published = trees.published;
    this.#catalogs = catalogs;
    this.#options = options;
  }

  delete(word: string): void {
    const path = withoutEndSlash(word);
    if (this.#published.stat(path) === undefined) {
      complain(`[WARNING] '${word}' cannot be deleted. Unrecognized file type.`);
      return;
    }
    if (path.startsWith('/')) throw new Died(`catalog for file '/${path}' cannot be found`);
    if (this.#tree.kind(path) === undefined) throw new Died(`entry '${path}' cannot be removed twice`);
    this.#drop(path);
    this.#deleted.push(path);
  }

  async read(tarFile: string): Promise<void> {
    const source = tarFile === '-' ? process.stdin : createReadStream(tarFile);
    const archive = extract(READER);
    source.on('error', (error: Error) => archive.destroy(error));
    source.pipe(new EndOfArchive()).pipe(archive);
    let entries = 0;
    try {
      for await (const entry of archive) {
        await this.#add(entry.header, bytesOf(entry));
        await this.#options.onEntries((entries += 1), entry.header.name);
      }
    } catch (error) {
      if (error instanceof Died) throw error;
      throw new Died(`Fatal error in reading the archive.\n${String(error)}`);
    }
    if (this.#options.catalog && this.#options.baseDirectory !== '') await this.#addMarker();
    this.#splitCatalogs();
  }

  /**
   * In the order of the targets' bytes: so a link to a link is found or not, depending on its name. The root directory
   * can have no links, and one that takes the place of a directory spoils the catalog.
   */
  async resolveLinks(): Promise<void> {
    const links = this.#links.toSorted((one, other) => compare(one.target, other.target));
    for (const { path, target } of links) {
      const source = this.#tree.kind(target);
      if (source === undefined && this.#options.toleratesMissingTargets) {
        await this.#putEmptyFile(path);
        continue;
      }
      if (source === undefined) throw new Died(`catalog for file '${target}' cannot be found, aborting`);
      if (source === 'directory') throw new Died(`Trying to clone a directory: '${target}', aborting`);
      if (!path.includes('/')) throw new Died(`catalog for file '/./${path}' cannot be found`);
      if (path === target || !this.#hasParent(path)) continue;
      // The real one does even this, and spoils the catalog.
      if (target.startsWith(`${path}/`))
        throw new Died(`the double does not replace the parent of '${target}'`);
      if (this.#tree.kind(path) === 'directory') this.#catalogs.dangling.push(path);
      this.#drop(path);
      clone(this.#catalogs.chunked, target, path);
      if (this.#catalogs.chunked.empty.has(path)) this.#tree.putUnreadable(path, target);
      else this.#tree.putClone(path, target);
    }
  }

  /** The real one gives it the attributes of the link. */
  async #putEmptyFile(path: BytePath): Promise<void> {
    this.#makeRoom(path);
    const mtime = Math.floor(Date.now() / 1000);
    const attributes = { mode: 0o644, ...(this.#options.owner ?? NOBODY), mtime };
    if (this.#hasParent(path)) await this.#tree.putFile(path, attributes, empty());
  }

  async #add(header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#pathOf(nameOf(header, 'path'));
    // Nothing changes the root directory.
    if (path !== '') await this.#addBelowRoot(path, header, content);
    await drain(content);
  }

  async #addBelowRoot(path: BytePath, header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    refuseOddPath(path);
    if (header.type !== 'link' && header.type !== 'directory') refuseBundles(path, header.type === 'file');
    this.#makeDirectories(parentOf(path));
    if (header.type === 'link') {
      this.#links.push({ path, target: this.#targetOf(nameOf(header, 'linkpath')) });
      this.#mark(path);
      return;
    }
    const attributes = this.#attributesOf(header);
    if (header.type === 'directory') {
      this.#addDirectory(path, attributes);
      return;
    }
    this.#makeRoom(path);
    if (header.type === 'file') this.#mark(path);
    else refuseMarker(path);
    if (this.#hasParent(path)) await this.#put(path, attributes, { header, content });
  }

  /** A directory that exists already, or that an entry before has implied, stays as it is. */
  #addDirectory(path: BytePath, attributes: Attributes): void {
    const isNew = !this.#directories.has(path) && this.#published.stat(path) === undefined;
    this.#directories.set(path, attributes);
    if (!isNew) return;
    if (isBundles(path)) throw new Died(`Illegal directory name: .cvmfsbundles (/${path}).`);
    if (this.#tree.kind(path) !== undefined)
      throw new Died(`failed to add ${path}: there is an entry already`);
    if (this.#hasParent(path)) this.#tree.putDirectory(path, attributes);
  }

  #makeDirectories(path: BytePath): void {
    if (path === '' || this.#directories.has(path)) return;
    this.#makeDirectories(parentOf(path));
    const mtime = Math.floor(Date.now() / 1000);
    this.#addDirectory(path, { mode: 0o755, ...(this.#options.owner ?? NOBODY), mtime });
  }

  /** Removes what the published revision has at `path`, which can be done once. */
  #makeRoom(path: BytePath): void {
    if (this.#added.has(path)) throw new Died(`failed to add ${path}: it is in the stream already`);
    this.#added.add(path);
    const isNew = this.#published.stat(path) === undefined;
    const exists = this.#tree.kind(path) !== undefined;
    if (isNew && exists) throw new Died(`failed to add ${path}: there is an entry already`);
    if (!isNew && !exists) throw new Died(`catalog for file '/${path}' cannot be found`);
    if (!isNew) this.#drop(path);
  }

  /** Whether an entry at `path` becomes visible; an entry below a file does not. */
  #hasParent(path: BytePath): boolean {
    const parent = parentOf(path);
    if (this.#tree.kind(parent) === 'directory') return true;
    if (this.#tree.kind(parent) === undefined && !this.#dangling.has(parent)) {
      throw new Died(`catalog for file '/${path}' cannot be found`);
    }
    this.#dangling.add(path);
    this.#catalogs.dangling.push(path);
    return false;
  }

  async #put(
    path: BytePath,
    attributes: Attributes,
    { header, content }: { readonly header: Header; readonly content: AsyncIterable<Uint8Array> },
  ): Promise<void> {
    switch (header.type) {
      case 'file':
        return this.#tree.putFile(path, attributes, content);
      case 'symlink':
        return this.#tree.putSymbolicLink(path, attributes, nameOf(header, 'linkpath'));
      case 'character-device':
      case 'block-device':
      case 'fifo': {
        const { type, devmajor, devminor } = header;
        return this.#tree.putSpecial(path, attributes, { type, major: devmajor, minor: devminor });
      }
      default:
        throw new Died(`Fatal error found unexpected file: \n${path}`);
    }
  }

  /** The real one lists a directory in the published revision, and cannot remove what a deletion has removed. */
  #drop(path: BytePath): void {
    if (this.#deleted.some((gone) => gone.startsWith(`${path}/`))) {
      throw new Died(`what is below '${path}' cannot be removed twice`);
    }
    this.#tree.remove(path);
    forget(this.#catalogs.chunked, path);
    for (const root of this.#catalogs.nested) {
      if (root === path || root.startsWith(`${path}/`)) this.#catalogs.nested.delete(root);
    }
  }

  #mark(path: BytePath): void {
    if (path === MARKER) throw new Died('Error: nested catalog marker in root directory');
    if (path.endsWith(`/${MARKER}`)) this.#marked.add(parentOf(path));
  }

  async #addMarker(): Promise<void> {
    const path = `${this.#options.baseDirectory}/${MARKER}`;
    this.#makeDirectories(this.#options.baseDirectory);
    this.#makeRoom(path);
    this.#mark(path);
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const mtime = Math.floor(Date.now() / 1000);
    await this.#tree.putFile(path, { mode: 0o664, ...owner, mtime }, empty());
  }

  /**
   * A directory that gets a marker also gets the attributes that the stream gave it last, even an existing one, and
   * even those of a directory that no entry names.
   */
  #splitCatalogs(): void {
    for (const path of this.#marked) {
      const attributes = this.#directories.get(path);
      if (attributes === undefined || this.#tree.kind(path) !== 'directory') {
        throw new Died(`catalog for directory '/${path}' cannot be found`);
      }
      this.#tree.putDirectory(path, attributes);
      this.#tree.removeExtendedAttributes(path);
      this.#catalogs.nested.add(path);
    }
  }

  #attributesOf(header: Header): Attributes {
    const owner = this.#options.owner ?? { uid: header.uid, gid: header.gid };
    return { mode: header.mode & 0o7777, ...owner, mtime: mtimeOf(header) };
  }

  #pathOf(name: string): BytePath {
    const path = withoutEndSlash(sanitize(name));
    const base = this.#options.baseDirectory;
    return base === '' || path === '' ? `${base}${path}` : `${base}/${path}`;
  }

  #targetOf(name: string): BytePath {
    const base = this.#options.baseDirectory;
    return base === '' ? sanitize(name) : `${base}/${sanitize(name)}`;
  }
}

function compare(one: BytePath, other: BytePath): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function refuseOddPath(path: BytePath): void {
  if (path === '.cvmfs' || path.startsWith('.cvmfs/')) {
    throw new Died(`[ERROR] invalid attempt to modify ${path}`);
  }
  if (path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) return;
  throw new Died(`catalog for file '/${path}' cannot be found`);
}

function refuseMarker(path: BytePath): void {
  if (path !== MARKER && !path.endsWith(`/${MARKER}`)) return;
  throw new Died(`'${path}' is called as a catalog marker, but is not a regular file, abort`);
}

/** Bundles are read from the union mount, of which an ingestion has none: even the one in the root is not found. */
function refuseBundles(path: BytePath, isFile: boolean): void {
  if (!isBundles(path)) return;
  if (!isFile) throw new Died('Error: .cvmfsbundles file must be a regular file');
  if (path.includes('/')) {
    throw new Died('Error: .cvmfsbundles file must be in the root directory of the repository.');
  }
  throw new Died(`Could not open file: /${path}`);
}

function isBundles(path: BytePath): boolean {
  return path === '.cvmfsbundles' || path.endsWith('/.cvmfsbundles');
}

function sanitize(name: string): string {
  if (name.startsWith('./')) return name.slice(2);
  return name.startsWith('/') ? name.slice(1) : name;
}

function withoutEndSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Names in pax records have been decoded as UTF-8: back to one character a byte. */
function nameOf(header: Header, record: 'path' | 'linkpath'): BytePath {
  const text = paxRecord(header, record);
  if (text !== undefined) return Buffer.from(text).toString('latin1');
  return record === 'path' ? header.name : header.linkname;
}

/** Whole seconds. The tar reader gives negative ones as the complement, which is one too many. */
function mtimeOf(header: Header): number {
  const record = paxRecord(header, 'mtime');
  if (record !== undefined) return Math.floor(Number(record));
  const seconds = Math.floor(header.mtime.getTime() / 1000);
  return seconds < 0 ? seconds - 1 : seconds;
}

function paxRecord({ pax }: Header, record: string): string | undefined {
  if (typeof pax !== 'object' || pax === null) return undefined;
  const text: unknown = Reflect.get(pax, record);
  return typeof text === 'string' ? text : undefined;
}

async function* bytesOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of entry) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of content) void chunk;
}

async function* empty(): AsyncGenerator<Uint8Array> {}
