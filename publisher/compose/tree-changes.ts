import { recordPath } from '../image/layout.ts';
import { isOfNow, isRecorded } from '../published/published.ts';
import type { Entry, Attributes, DirectoryEntry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import type { RepositoryView, Kind } from '../publication/view.ts';
import { layerOf, treeName, type PublishedTree } from '../outputs/output.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import type { AnyNode, ForeignLinkNode } from '../tree/node.ts';
import { nodeAt } from '../tree/resolve.ts';
import { isLeftOut } from './losses.ts';
import { entriesBeside } from './tree-entries.ts';
import { Failure } from '../../core/failure.ts';

export interface ChangeOptions {
  /** Make flat trees and chains again that are published. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  readonly capabilities: RepositoryCapabilities;
  /** What to do with published trees, by their names, whatever their records say. */
  readonly repairs?: TreeRepairs;
}

/**
 * - `whole`: it is made again;
 * - `beside`: its own files are as they should be, and only what marks and describes it is written again.
 */
export type TreeRepair = 'whole' | 'beside';
export type TreeRepairs = ReadonlyMap<string, TreeRepair>;

/** Changes for the trees of an image. */
export interface Changes {
  /** Trees to write. */
  readonly fresh: PublishedTree[];
  /** Published paths in their way. */
  readonly deletions: BytePath[];
  /** Records of those that stay, and are as they would be made now. */
  readonly renewed: BytePath[];
  /** What is written again of those that stay. */
  readonly beside: Entry[];
}

/** Finds out which trees a repository lacks, and what stands in their way. */
export class TreeChanges {
  readonly #view: RepositoryView;
  readonly #directories: MissingDirectories;
  readonly #options: ChangeOptions;

  constructor(view: RepositoryView, directories: MissingDirectories, options: ChangeOptions) {
    this.#view = view;
    this.#directories = directories;
    this.#options = options;
  }

  /**
   * @param isBrought whether the publication brings the tree of this name already
   * @throws Failure `repository-conflict`
   */
  async of(trees: readonly PublishedTree[], isBrought: (name: string) => boolean): Promise<Changes> {
    const fresh = new Map<string, PublishedTree>();
    const deletions: BytePath[] = [];
    const renewed: BytePath[] = [];
    const beside: Entry[] = [];
    for (const tree of trees) {
      const name = treeName(tree);
      if (isBrought(name) || fresh.has(name)) continue;
      if (this.#options.repairs?.get(name) === 'beside' && (await this.#isThere(tree))) {
        await this.#refuseConflicts(tree);
        for (const entry of await entriesBeside(tree)) beside.push(entry);
        renewed.push(recordPath(tree.kind, tree.hex));
        continue;
      }
      if (await this.#stays(tree)) {
        const layer = layerOf(tree);
        if (layer !== undefined && !(await isOfNow(this.#view, layer)))
          renewed.push(recordPath(tree.kind, tree.hex));
        continue;
      }
      await this.#refuseConflicts(tree);
      for (const path of await leftovers(this.#view, tree, this.#options.capabilities)) deletions.push(path);
      fresh.set(name, tree);
    }
    return { fresh: [...fresh.values()], deletions, renewed, beside };
  }

  /** @throws Failure `repository-conflict` where something else than the entry is at its path, or other than a folder above */
  async refuseConflict({ path, type }: Pick<Entry, 'path' | 'type'>): Promise<void> {
    await this.#directories.above(path);
    const kind = await this.#view.kindOf(path);
    if (kind !== undefined && !isReplaceable(kind, type)) throw conflict(path, kind);
  }

  async #stays(tree: PublishedTree): Promise<boolean> {
    const { overwriteLayers, convertAgain, repairs } = this.#options;
    const again = tree.kind === 'layers' ? overwriteLayers : convertAgain;
    return !again && !repairs?.has(treeName(tree)) && (await isRecorded(this.#view, tree));
  }

  async #isThere({ root }: PublishedTree): Promise<boolean> {
    return (await this.#view.kindOf(root)) === 'directory';
  }

  /** Beside the tree itself, which is looked through for what must go. */
  async #refuseConflicts({ kind, hex, path, root, metadata }: PublishedTree): Promise<void> {
    await this.refuseConflict({ path: recordPath(kind, hex), type: 'file' });
    for (const folder of new Set([path, root]))
      await this.refuseConflict({ path: folder, type: 'directory' });
    for (const entry of metadata) await this.refuseConflict(entry);
  }
}

/**
 * Paths to delete before `tree` is written over its published place: everything that it does not have. The
 * rest is replaced entry by entry.
 *
 * @throws Failure `repository-conflict` where a directory stands for something else, or the reverse: replacing it in
 *   one step would damage the repository's catalogs
 */
async function leftovers(
  view: RepositoryView,
  tree: PublishedTree,
  capabilities: RepositoryCapabilities,
): Promise<BytePath[]> {
  const gone: BytePath[] = [];
  for await (const { path, kind } of view.walk(tree.root)) {
    const above = gone.at(-1);
    if (above !== undefined && path.startsWith(`${above}/`)) continue;
    const wanted = nodeAt<AnyNode>(tree.rootNode, path.slice(tree.root.length + 1));
    if (wanted === undefined || wanted.type === 'foreign-link' || isLeftOut(wanted, capabilities)) {
      if (!path.endsWith(`/${CATALOG_MARKER}`)) gone.push(path);
    } else if (!isReplaceable(kind, wanted.type)) {
      throw conflict(path, kind);
    }
  }
  return gone;
}

/** Whether a publication can put `wanted` in the place of what is published. */
export function isReplaceable(
  published: Kind,
  wanted: Exclude<AnyNode, ForeignLinkNode>['type'] | Entry['type'],
): boolean {
  switch (wanted) {
    case 'directory':
      return published === 'directory';
    case 'file':
    case 'link':
    case 'symlink':
      return published === 'file' || published === 'symlink';
    case 'whiteout':
    case 'character-device':
    case 'block-device':
    case 'fifo':
      return published === 'other';
  }
}

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
function conflict(path: BytePath, kind: string): Failure {
  return new Failure(
    'repository-conflict',
    `the repository has a ${kind} at ${path}, where something else belongs`,
    { hint: 'find out who put it there, and delete it in a transaction of its own' },
  );
}
