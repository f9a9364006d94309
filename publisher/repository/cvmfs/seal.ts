import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { parseIfValid } from '../../../core/json.ts';
import { OWN_FOLDERS } from '../../../core/outputs.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import {
  metadataFile,
  type Attributes,
  type Entry,
  type FileEntry,
  type Slice,
} from '../../publication/entry.ts';
import type { RepositoryView } from '../../publication/view.ts';

const FOLDER = `${OWN_FOLDERS.records}/publications`;
/** Always leads to the newest seal. */
const LATEST = `${OWN_FOLDERS.records}/latest`;

/**
 * Makes a stream that ends early fail as a whole.
 *
 * To the reader of a tar archive, one that is cut off between two members is complete, and would be published. So the
 * stream begins with a hard link to a file that comes at its very end: ingest resolves links when everything is in, and
 * aborts where a target is missing.
 */
export interface Seal {
  /** Exists only where the publication was made: shows that afterwards. */
  readonly path: BytePath;
  /** Seals of earlier publications. */
  readonly outdated: readonly BytePath[];
  readonly wrap: (trees: AsyncIterable<Slice>) => AsyncGenerator<Slice>;
}

/** Makes the file that shows that a union transaction was published; the next publication by ingest removes it. */
export function unionSeal(attributes: Attributes): FileEntry {
  return sealFile(newPath(), attributes);
}

export async function newSeal(view: RepositoryView, attributes: Attributes): Promise<Seal> {
  const path = newPath();
  const outdated = await earlierSeals(view);
  async function* wrap(trees: AsyncIterable<Slice>): AsyncGenerator<Slice> {
    const folders = [OWN_FOLDERS.records, FOLDER].map((folder): Entry => ({
      type: 'directory',
      path: folder,
      attributes: { ...attributes, mode: 0o755 },
    }));
    yield [...folders, { type: 'link', path: LATEST, target: path }];
    yield* trees;
    yield [sealFile(path, attributes)];
  }
  return { path, outdated, wrap };
}

/** The seals that the next publication takes away. */
export async function earlierSeals(view: RepositoryView): Promise<BytePath[]> {
  const seals = await view.list(FOLDER);
  return seals.map(({ name }) => `${FOLDER}/${name}`);
}

function newPath(): BytePath {
  return `${FOLDER}/${randomUUID()}`;
}

function sealFile(path: BytePath, attributes: Attributes): FileEntry {
  const text = Buffer.from(`${new Date().toISOString()}\n`);
  return metadataFile(path, text, attributes);
}

/**
 * Lists, while a publication in two transactions has had the first of them, the trees that it brought: nothing refers to
 * them, and nothing will where the second is not made.
 */
export const UNFINISHED = `${OWN_FOLDERS.records}/unfinished`;

const Paths = z.array(z.string());

/** The new trees of a publication whose second transaction failed, or whose process was killed before it. */
export async function unfinishedTrees(view: RepositoryView): Promise<BytePath[] | undefined> {
  const bytes = await view.read(UNFINISHED);
  return bytes === undefined ? undefined : (parseIfValid(Paths, bytes.toString('latin1')) ?? []);
}

/** The entries, and after them the list of the trees among them that the repository does not have. */
export async function* withListOfNew(
  trees: AsyncIterable<Slice>,
  view: RepositoryView,
  attributes: Attributes,
): AsyncGenerator<Slice> {
  const found = new NewTrees(view);
  for await (const slice of trees) {
    for (const entry of slice) await found.note(entry);
    yield slice;
  }
  yield [metadataFile(UNFINISHED, Buffer.from(JSON.stringify(found.roots), 'latin1'), attributes)];
}

/** Finds the highest new folders that hold more than folders: others' trees may come below those that hold nothing else. */
class NewTrees {
  readonly #view: RepositoryView;
  readonly #roots = new Set<BytePath>();
  /** New folders in which only folders were seen so far. */
  readonly #bare = new Set<BytePath>();
  #latest: BytePath | undefined;

  constructor(view: RepositoryView) {
    this.#view = view;
  }

  /** None is within another: what is deleted twice ends an ingest. */
  get roots(): BytePath[] {
    return [...this.#roots].filter((path) => this.#rootAbove(path) === undefined);
  }

  async note({ type, path }: Pick<Entry, 'type' | 'path'>): Promise<void> {
    if (this.#isInside(path)) return;
    const parent = parentOf(path);
    if (type === 'directory') {
      if (this.#bare.has(parent) || (await this.#view.kindOf(path)) === undefined) this.#bare.add(path);
    } else if (this.#bare.delete(parent)) {
      this.#roots.add(parent);
    }
  }

  #isInside(path: BytePath): boolean {
    if (this.#latest !== undefined && path.startsWith(this.#latest)) return true;
    const root = this.#rootAbove(path);
    if (root !== undefined) this.#latest = `${root}/`;
    return root !== undefined;
  }

  #rootAbove(path: BytePath): BytePath | undefined {
    for (let above = parentOf(path); above !== ''; above = parentOf(above))
      if (this.#roots.has(above)) return above;
    return undefined;
  }
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
