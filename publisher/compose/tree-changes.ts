import { recordPath } from '../image/layout.ts';
import { isOfNow, isRecorded } from '../published/published.ts';
import type { Entry, Attributes, DirectoryEntry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import type { RepositoryView, Kind } from '../publication/view.ts';
import { layerOf, treeName, type PublishedTree } from '../outputs/output.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import type { AnyNode, DirectoryNode, ForeignLinkNode, LayerDirectoryNode } from '../tree/node.ts';
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
  /** Published directories of those that are written, with attributes that the stream does not give them. */
  readonly directories: DirectoryEntry[];
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
    const changes: Changes = { fresh: [], deletions: [], renewed: [], beside: [], directories: [] };
    const seen = new Set<string>();
    for (const tree of trees) {
      const name = treeName(tree);
      if (isBrought(name) || seen.has(name)) continue;
      seen.add(name);
      await this.#add(tree, changes);
    }
    return changes;
  }

  async #add(tree: PublishedTree, changes: Changes): Promise<void> {
    if (this.#options.repairs?.get(treeName(tree)) === 'beside' && (await this.#isThere(tree))) {
      await this.#addBeside(tree, changes);
      return;
    }
    if (await this.#stays(tree)) {
      const layer = layerOf(tree);
      if (layer !== undefined && !(await isOfNow(this.#view, layer)))
        changes.renewed.push(recordPath(tree.kind, tree.hex));
      return;
    }
    await this.#refuseConflicts(tree);
    const { gone, directories } = await leftovers(this.#view, tree, this.#options.capabilities);
    for (const path of gone) changes.deletions.push(path);
    for (const entry of directories) changes.directories.push(entry);
    changes.fresh.push(tree);
  }

  async #addBeside(tree: PublishedTree, changes: Changes): Promise<void> {
    await this.#refuseConflicts(tree);
    const isApart = this.#options.capabilities.changesDirectories === 'apart';
    for (const entry of await entriesBeside(tree)) {
      changes.beside.push(entry);
      if (entry.type === 'directory' && isApart) changes.directories.push(entry);
    }
    changes.renewed.push(recordPath(tree.kind, tree.hex));
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

/** What stands where a tree is to be written. */
interface Standing {
  /** Paths to delete before: everything that the tree does not have. The rest is replaced entry by entry. */
  readonly gone: BytePath[];
  /** Directories with other attributes, where the stream does not give them those of the tree. */
  readonly directories: DirectoryEntry[];
}

/**
 * Looks through the published place of `tree`.
 *
 * @throws Failure `repository-conflict` where a directory stands for something else, or the reverse: replacing it in
 *   one step would damage the repository's catalogs
 */
async function leftovers(
  view: RepositoryView,
  { root, rootNode }: PublishedTree,
  capabilities: RepositoryCapabilities,
): Promise<Standing> {
  const gone: BytePath[] = [];
  const directories: DirectoryEntry[] = [];
  const compare = async (
    path: BytePath,
    { attributes }: DirectoryNode | LayerDirectoryNode,
  ): Promise<void> => {
    if (capabilities.changesDirectories !== 'apart') return;
    const found = await view.inodeOf(path);
    if (found?.type === 'directory' && !isAlike(found.attributes, attributes))
      directories.push({ type: 'directory', path, attributes });
  };
  await compare(root, rootNode);
  for await (const { path, kind } of view.walk(root)) {
    const above = gone.at(-1);
    if (above !== undefined && path.startsWith(`${above}/`)) continue;
    const wanted = nodeAt<AnyNode>(rootNode, path.slice(root.length + 1));
    if (wanted === undefined || wanted.type === 'foreign-link' || isLeftOut(wanted, capabilities)) {
      if (!path.endsWith(`/${CATALOG_MARKER}`)) gone.push(path);
    } else if (!isReplaceable(kind, wanted.type)) {
      throw conflict(path, kind);
    } else if (wanted.type === 'directory') {
      await compare(path, wanted);
    }
  }
  return { gone, directories };
}

function isAlike(one: Attributes, other: Attributes): boolean {
  const { mode, uid, gid } = other;
  if (one.mode !== mode || one.uid !== uid || one.gid !== gid) return false;
  return Math.floor(one.mtime) === Math.floor(other.mtime);
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
