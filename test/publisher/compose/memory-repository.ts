import type { Attributes } from '../../../publisher/publication/entry.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { Child, Inode, Kind, RepositoryView } from '../../../publisher/publication/view.ts';
import type { Stream } from './stream.ts';

interface Published {
  readonly kind: Kind;
  /** Of a file its content, of a symbolic link its target, one character a byte. */
  readonly text: string;
  readonly attributes: Attributes;
}

const NO_ATTRIBUTES: Attributes = { mode: 0, uid: 0, gid: 0, mtime: 0 };

/** A repository that is a map of paths. */
export class MemoryRepository implements RepositoryView {
  readonly linkableBytes = 1;
  readonly addsXattrs = false;
  readonly #entries = new Map<BytePath, Published>();
  readonly #chunked = new Set<BytePath>();

  async kindOf(path: BytePath): Promise<Kind | undefined> {
    return this.#entries.get(path)?.kind;
  }

  async inodeOf(path: BytePath): Promise<Inode | undefined> {
    const found = this.#entries.get(path);
    if (found === undefined) return undefined;
    return {
      type: found.kind === 'other' ? 'character-device' : found.kind,
      attributes: found.attributes,
      sizeBytes: found.kind === 'file' ? found.text.length : 0,
      major: 0,
      minor: 0,
      identity: path,
      names: 1,
    };
  }

  async xattrsOf(): Promise<ReadonlyMap<string, string>> {
    return await Promise.resolve(new Map());
  }

  async whyUnreadable(): Promise<string | undefined> {
    return await Promise.resolve(undefined);
  }

  async read(path: BytePath): Promise<Buffer | undefined> {
    const found = this.#entries.get(path);
    return found?.kind === 'file' ? Buffer.from(found.text, 'latin1') : undefined;
  }

  async readLink(path: BytePath): Promise<string | undefined> {
    const found = this.#entries.get(path);
    return found?.kind === 'symlink' ? found.text : undefined;
  }

  async list(path: BytePath): Promise<Child[]> {
    const prefix = path === '' ? '' : `${path}/`;
    const children = [...this.#entries].filter(
      ([at]) => at.startsWith(prefix) && !at.includes('/', prefix.length),
    );
    return children.map(([at, { kind }]) => ({ name: at.slice(prefix.length), kind }));
  }

  async *walk(path: BytePath): AsyncGenerator<{ path: BytePath; kind: Kind }> {
    const below = [...this.#entries.keys()].filter((at) => at.startsWith(`${path}/`));
    // Sorted so, parents come before children, and all children before the next sibling.
    for (const key of below.map((at) => at.replaceAll('/', '\0')).sort()) {
      const at = key.replaceAll('\0', '/');
      yield { path: at, kind: this.#entries.get(at)?.kind ?? 'other' };
    }
  }

  async *contents(path: BytePath): AsyncGenerator<Uint8Array> {
    yield Buffer.from(this.#entries.get(path)?.text ?? '', 'latin1');
  }

  async isLinkable(path: BytePath): Promise<boolean> {
    return !this.#chunked.has(path);
  }

  async mayHoldUnlinkable(path: BytePath): Promise<boolean> {
    return [...this.#chunked].some((at) => path === '' || at.startsWith(`${path}/`));
  }

  /** Publishes the file at `path` in chunks, as a union transaction does. */
  chunk(path: BytePath): void {
    this.#chunked.add(path);
  }

  /** Puts something there as another writer would, with the folders above it. */
  put(path: BytePath, kind: Kind, text = '', attributes = NO_ATTRIBUTES): void {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (!this.#entries.has(folder)) this.put(folder, 'directory');
    }
    this.#entries.set(path, { kind, text, attributes });
  }

  remove(path: BytePath): void {
    for (const at of this.#entries.keys()) {
      if (at === path || at.startsWith(`${path}/`)) this.#entries.delete(at);
    }
  }

  /** The content of the file, or the target of the symbolic link, at `path`. */
  textOf(path: BytePath): string | undefined {
    return this.#entries.get(path)?.text;
  }

  /** Everything below `path`, a line each: `a/`, `b = content`, `c -> target`, `d other`. */
  linesBelow(path: BytePath): string[] {
    return [...this.#entries]
      .filter(([at]) => at.startsWith(`${path}/`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([at, { kind, text }]) => `${at.slice(path.length + 1)}${described(kind, text)}`);
  }

  /** Makes a publication visible. */
  apply({ publication, entries }: Stream): void {
    for (const path of publication.deletions) this.remove(path);
    for (const { path, kind, text, entry } of entries) {
      if (kind === 'link') this.put(path, 'file', this.textOf(text), this.#entries.get(text)?.attributes);
      else this.put(path, kind, text, 'attributes' in entry ? entry.attributes : undefined);
    }
    for (const path of publication.outdated) this.remove(path);
  }
}

function described(kind: Kind, text: string): string {
  switch (kind) {
    case 'directory':
      return '/';
    case 'file':
      return ` = ${text}`;
    case 'symlink':
      return ` -> ${text}`;
    case 'other':
      return ' other';
  }
}
