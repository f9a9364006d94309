import { Failure } from '../../core/failure.ts';
import type { Attributes, DirectoryEntry, Entry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';

/** Finds the folders that must come before a path: those that neither the repository nor the stream has yet. */
export class MissingDirectories {
  readonly #view: RepositoryView;
  readonly #attributes: Attributes;
  readonly #there = new Set<BytePath>();

  constructor(view: RepositoryView, attributes: Attributes) {
    this.#view = view;
    this.#attributes = { ...attributes, mode: 0o755 };
  }

  /** Counts `folders` as there: something else brings them. */
  provide(folders: readonly BytePath[]): void {
    for (const folder of folders) this.#there.add(folder);
  }

  /** The entries, each after those for the missing folders above it. */
  async complete(entries: readonly Entry[]): Promise<Entry[]> {
    const all: Entry[] = [];
    for (const entry of entries) {
      for (const folder of await this.above(entry.path)) all.push(folder);
      all.push(entry);
      if (entry.type === 'directory') this.#there.add(entry.path);
    }
    return all;
  }

  /**
   * Entries for the missing folders above `path`, highest first; they count as there from now on.
   *
   * @throws Failure `repository-conflict` where one of them is something else
   */
  async above(path: BytePath): Promise<DirectoryEntry[]> {
    const missing: DirectoryEntry[] = [];
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (this.#there.has(folder)) continue;
      const kind = await this.#view.kindOf(folder);
      if (kind !== undefined && kind !== 'directory') throw conflict(folder, kind);
      if (kind === undefined) missing.push({ type: 'directory', path: folder, attributes: this.#attributes });
    }
    for (const { path: folder } of missing) this.#there.add(folder);
    return missing;
  }
}

/** Something is published where it cannot be replaced without a moment in which neither is there. */
export function conflict(path: BytePath, kind: string): Failure {
  return new Failure(
    'repository-conflict',
    `the repository has a ${kind} at ${path}, where something else belongs`,
    {
      hint: 'find out who put it there, and delete it in a transaction of its own',
    },
  );
}
