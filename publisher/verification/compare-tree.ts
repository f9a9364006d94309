import { displayPath, type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { isLeftOut } from '../compose/losses.ts';
import { isOpaque } from '../compose/tree-entries.ts';
import { recordPath } from '../image/layout.ts';
import type { PublishedTree } from '../outputs/output.ts';
import { isRecorded } from '../published/published.ts';
import type { Inode, Kind } from '../publication/view.ts';
import { CATALOG_MARKER, catalogFolders } from '../tree/catalogs.ts';
import {
  walkAny,
  type AnyNode,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
  type LayerSource,
} from '../tree/node.ts';
import { nodeAt } from '../tree/resolve.ts';
import { inTurns } from '../../core/turns.ts';
import type { Given } from './asked-capabilities.ts';
import { compareEntry, isFolderReal, wrongEntry } from './compare-entry.ts';
import {
  compareInode,
  inodeType,
  type Comparing,
  type PublishedNode,
  type PublishedType,
} from './compare-inode.ts';

/** Is told of each file of a layer that is there and looks right: its content may still be wrong. */
export type FileListener = (source: LayerSource, path: BytePath, found: Inode) => Promise<void> | undefined;

/**
 * Compares a published tree, entry by entry, with what would be published now. Nothing is read but names and attributes,
 * and files of our own making.
 */
export async function compareTree(
  tree: PublishedTree,
  comparing: Comparing,
  onFile: FileListener = () => undefined,
): Promise<void> {
  const given = await comparing.capabilities.given();
  const comparison = new TreeComparison(tree, { ...comparing, given, onFile });
  if (!(await comparison.isThere())) return;
  await comparison.compare();
}

interface TreeTools extends Comparing {
  readonly given: Given;
  readonly onFile: FileListener;
}

class TreeComparison {
  readonly #tree: PublishedTree;
  readonly #tools: TreeTools;
  /** Below the root, those that are catalogs. */
  #catalogs: ReadonlySet<BytePath> = new Set();
  /** Files may be such that no client can open them. */
  #isInDoubt = false;

  constructor(tree: PublishedTree, tools: TreeTools) {
    this.#tree = tree;
    this.#tools = tools;
  }

  async isThere(): Promise<boolean> {
    const { root, path } = this.#tree;
    if (!(await isFolderReal(path, 'type', this.#tools))) return false;
    for (const folder of new Set([path, root])) {
      const found = await this.#tools.view.inodeOf(folder);
      if (found?.type === 'directory') continue;
      this.#wrongType(folder, 'directory', found);
      return false;
    }
    return true;
  }

  async compare(): Promise<void> {
    const { root, path, rootNode, metadata } = this.#tree;
    const { view } = this.#tools;
    await this.#compareRecord();
    for (const entry of metadata) await compareEntry(entry, 'metadata', this.#tools);
    if (root !== path) {
      await this.#compareMarker(path);
      await this.#findBeside(path);
    }
    const catalogs = await inTurns(catalogFolders(rootNode));
    if (root === path) catalogs.add('');
    this.#catalogs = catalogs;
    this.#isInDoubt = (await view.mayHoldUnlinkable('')) && (await view.mayHoldUnlinkable(root));
    let passed: BytePath | undefined;
    for (const visit of walkAny(rootNode)) {
      if (passed !== undefined && visit.path.startsWith(passed)) continue;
      passed = undefined;
      if (isAbsent(visit.node, visit.folder, this.#tools.given)) continue;
      if (!(await this.#compareNode(visit.node, visit.path)) && visit.node.type === 'directory')
        passed = joinPath(visit.path, '');
    }
  }

  async #compareRecord(): Promise<void> {
    const { view, findings } = this.#tools;
    const path = recordPath(this.#tree.kind, this.#tree.hex);
    const found = await view.inodeOf(path);
    const isShort = found?.type === 'file' && found.sizeBytes <= LONGEST_RECORD;
    const text = isShort ? (await view.read(path))?.toString('latin1') : undefined;
    if (text !== undefined && RECORDS.has(text) && (await isRecorded(view, this.#tree))) return;
    if (found !== undefined && text === undefined) {
      wrongEntry({ kind: 'record', path, expected: 'file', found }, findings);
      return;
    }
    const shown = text === undefined ? 'nothing' : JSON.stringify(text);
    findings.add({ kind: 'record', path, expected: 'a record that the tree is whole', found: shown });
  }

  /** What is neither the tree nor beside it. */
  async #findBeside(path: BytePath): Promise<void> {
    const { root, metadata } = this.#tree;
    const known = new Set([root, `${path}/${CATALOG_MARKER}`, ...metadata.map((entry) => entry.path)]);
    for (const { name, kind } of await this.#tools.view.list(path)) {
      const at = `${path}/${name}`;
      if (!known.has(at)) this.#extra(at, kind, true);
    }
  }

  /** @returns whether it is there, as what it should be */
  async #compareNode(node: PublishedNode, path: BytePath): Promise<boolean> {
    const at = path === '' ? this.#tree.root : joinPath(this.#tree.root, path);
    const found = await this.#tools.view.inodeOf(at);
    const type = inodeType(node);
    if (found?.type !== type) {
      this.#wrongType(at, type, found);
      return false;
    }
    await compareInode(node, at, found, this.#tools);
    if (node.type === 'directory') await this.#compareDirectory(node, path, at);
    else if (node.type === 'file') await this.#compareFile(node, at, found);
    return true;
  }

  async #compareDirectory(
    node: DirectoryNode | LayerDirectoryNode,
    path: BytePath,
    at: BytePath,
  ): Promise<void> {
    if (this.#catalogs.has(path)) await this.#compareMarker(at);
    const { view, given } = this.#tools;
    for (const { name, kind } of await view.list(at)) {
      // One more catalog does no harm, and no publication takes it away.
      if (name === CATALOG_MARKER && kind === 'file') continue;
      const child: AnyNode | undefined = node.children.get(name);
      if (child === undefined || isAbsent(child, node, given))
        this.#extra(joinPath(at, name), kind, name === CATALOG_MARKER);
    }
  }

  async #compareMarker(folder: BytePath): Promise<void> {
    const { view, findings } = this.#tools;
    const path = `${folder}/${CATALOG_MARKER}`;
    const found = await view.inodeOf(path);
    if (found?.type === 'file' && found.sizeBytes === 0) return;
    findings.add({
      kind: 'marker',
      path,
      expected: 'the mark of a catalog',
      found: found === undefined ? 'nothing' : `a ${found.type} of ${found.sizeBytes} bytes`,
    });
    if (found?.type === 'directory') findings.mustGo(path);
  }

  async #compareFile(node: FileNode, at: BytePath, found: Inode): Promise<void> {
    const { view, findings } = this.#tools;
    if (found.sizeBytes !== node.sizeBytes) return;
    const { source } = node;
    if (source.kind === 'bytes') {
      if ((await view.read(at))?.equals(source.bytes) !== true)
        findings.add({
          kind: 'content',
          path: at,
          expected: `${source.bytes.length} certain bytes`,
          found: 'others',
        });
      return;
    }
    if (this.#isInDoubt && node.sizeBytes >= view.linkableBytes) {
      const reason = await view.whyUnreadable(at);
      if (reason !== undefined) {
        findings.add({ kind: 'unreadable', path: at, expected: 'a file that can be opened', found: reason });
        return;
      }
    }
    await this.#compareLink(source, at, found);
    await this.#tools.onFile(source, at, found);
  }

  /** Where names are counted, a further name in the same tree is one of the same inode. */
  async #compareLink(source: LayerSource, at: BytePath, found: Inode): Promise<void> {
    const { view, given, findings } = this.#tools;
    if (given.mostLinks === Infinity || this.#tree.files === 'linked') return;
    const home = joinPath(this.#tree.root, source.path);
    if (home === at || !this.#isSameFile(source)) return;
    const there = await view.inodeOf(home);
    if (there?.type !== 'file' || there.identity === found.identity || there.names >= given.mostLinks) return;
    findings.add({
      kind: 'link',
      path: at,
      expected: `a hard link to ${displayPath(home)}`,
      found: 'a file of its own',
    });
  }

  #isSameFile({ layer, ordinal, path }: LayerSource): boolean {
    const node = nodeAt<AnyNode>(this.#tree.rootNode, path);
    return (
      node?.type === 'file' &&
      node.source.kind === 'layer' &&
      node.source.layer === layer &&
      node.source.ordinal === ordinal
    );
  }

  #extra(path: BytePath, kind: Kind, isStaying: boolean): void {
    const { findings } = this.#tools;
    findings.add({ kind: 'extra', path, expected: 'nothing', found: kind });
    if (isStaying) findings.mustGo(path);
  }

  #wrongType(path: BytePath, expected: PublishedType, found: Inode | undefined): void {
    const kind = found === undefined ? 'missing' : 'type';
    wrongEntry({ kind, path, expected, found }, this.#tools.findings);
  }
}

/** What a record may say: see `published.ts`. */
const RECORDS: ReadonlySet<string> = new Set(['', '1\n', '2\n']);
const LONGEST_RECORD = 16;

/** Reports whether a node has no entry: `treeEntries` and `held` leave it out. */
function isAbsent(
  node: AnyNode,
  folder: AnyNode | undefined,
  given: Given,
): node is Extract<AnyNode, { type: 'foreign-link' }> {
  if (node.type === 'foreign-link') return true;
  if (node.type === 'whiteout') return isOpaque(folder);
  return isLeftOut(node, given);
}
