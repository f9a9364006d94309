import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LayerFacts, Listing } from '../../../publisher/layer/listing.ts';
import type { ListingItem } from '../../../publisher/layer/listing-items.ts';
import { memberPath } from '../../../publisher/layer/member-path.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { Attributes } from '../../../publisher/publication/entry.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import { mergedTree, treeOf } from './at-once.ts';
import type { LayerTree } from '../../../publisher/tree/layer-tree.ts';
import {
  EMPTY_TREE,
  type AnyNode,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
} from '../../../publisher/tree/node.ts';
import type { EntryAttributes, LayerEntry, Name } from '../../support/images/layer-entry.ts';

/** The layers of an image as they are written, lowest first. */
export type Stack = readonly (readonly LayerEntry[])[];

/** The digest of the layer at `index`: made up, as trees have no need of contents. */
export function layerAt(index: number): Digest {
  return `sha256:${createHash('sha256').update(`layer ${index}`).digest('hex')}`;
}

/** Of layers that are no blobs. */
export const NO_FACTS: LayerFacts = { diffId: layerAt(-1), sizeBytes: 0, blobBytes: 0, compression: 'none' };

/** What reading the archive of `entries` would list. */
export function listingOf(entries: readonly LayerEntry[]): Listing {
  return { ...NO_FACTS, items: entries.map(itemOf) };
}

export function layerTreeOf(entries: readonly LayerEntry[], index = 0): LayerTree {
  return treeOf(listingOf(entries), layerAt(index));
}

export interface Merged {
  readonly layers: readonly LayerTree[];
  /** The root file system up to each layer. */
  readonly trees: readonly DirectoryNode[];
  readonly top: DirectoryNode;
}

/** The merged trees of `stack`; nothing that goes into a merge can be changed by it. */
export function mergedStack(stack: Stack): Merged {
  const layers = stack.map((entries, index) => layerTreeOf(entries, index));
  for (const { root } of layers) deepFreeze(root);
  let top = deepFreeze(EMPTY_TREE);
  const trees = layers.map(({ root }) => (top = deepFreeze(mergedTree(top, root))));
  return { layers, trees, top };
}

/**
 * What is in the tree, a line for each path, sorted:
 * - `d/ 700` a directory, with its mode where that is not 755;
 * - `f = content` a file, `g == f` a further name of it (the same inode);
 * - `s -> target`, `n c 1:3`; in a layer's own tree also `x deleted`, `x foreign a`, `d/ implied opaque`.
 */
export function treeLines(root: AnyNode, stack: Stack): string[] {
  const lines: string[] = [];
  const names = new Map<string, BytePath>();
  for (const [path, node] of [...nodesOf(root, '')].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`${path}${described(node, path, { stack, names })}`);
  }
  return lines;
}

/** Every path below `root` with its node. */
export function* nodesOf(root: AnyNode, path: BytePath): Generator<[path: BytePath, node: AnyNode]> {
  if (root.type !== 'directory') return;
  for (const [name, child] of root.children) {
    const at = path === '' ? name : `${path}/${name}`;
    yield [at, child];
    yield* nodesOf(child, at);
  }
}

/** What the names of one file of a layer have in common, and no other node. */
export function inodeOf(node: AnyNode): string {
  assert.ok(node.type === 'file' && node.source.kind === 'layer');
  return `${node.source.layer} ${node.source.ordinal}`;
}

/** Makes every change of `value`, or of what it holds, an error. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const method of ['set', 'delete', 'clear']) Object.defineProperty(value, method, { value: refuse });
    for (const item of value.values()) deepFreeze(item);
  }
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
  return value;
}

function refuse(): never {
  throw new Error('a tree was changed');
}

interface Context {
  readonly stack: Stack;
  /** The first name of each file. */
  readonly names: Map<string, BytePath>;
}

function described(node: AnyNode, path: BytePath, { stack, names }: Context): string {
  switch (node.type) {
    case 'directory':
      return directoryLine(node);
    case 'file': {
      const inode = node.source.kind === 'layer' ? inodeOf(node) : path;
      const first = names.get(inode);
      if (first !== undefined) return ` == ${first}`;
      names.set(inode, path);
      return ` = ${contentOf(node, stack)}`;
    }
    case 'symlink':
      return ` -> ${node.target}`;
    case 'whiteout':
      return ' deleted';
    case 'foreign-link':
      return ` foreign ${node.target}`;
    case 'character-device':
      return ` c ${node.major}:${node.minor}`;
    case 'block-device':
      return ` b ${node.major}:${node.minor}`;
    case 'fifo':
      return ' p';
  }
}

function directoryLine(node: DirectoryNode | LayerDirectoryNode): string {
  const mode = node.attributes.mode === 0o755 ? '' : ` ${node.attributes.mode.toString(8)}`;
  const isImplied = 'implied' in node && node.implied;
  const isOpaque = 'opaque' in node && node.opaque;
  return `/${mode}${isImplied ? ' implied' : ''}${isOpaque ? ' opaque' : ''}`;
}

function contentOf({ source }: FileNode, stack: Stack): string {
  if (source.kind === 'bytes') return Buffer.from(source.bytes).toString();
  const index = stack.findIndex((_, at) => layerAt(at) === source.layer);
  const entry = stack[index]?.[source.ordinal];
  if (entry?.type !== 'file') throw new Error(`member ${source.ordinal} of layer ${index} is no file`);
  return entry.content.toString();
}

function itemOf(entry: LayerEntry): ListingItem {
  if (entry.type === 'raw' || entry.type === 'copy') throw new Error('only archives hold such entries');
  const target = 'target' in entry ? latin1(entry.target) : '';
  return {
    type: entry.type,
    path: memberPath(latin1(entry.path)),
    attributes: attributesOf(entry, entry.type === 'directory' ? 0o755 : 0o644),
    sizeBytes: entry.type === 'file' ? entry.content.length : 0,
    target: entry.type === 'link' ? memberPath(target) : target,
    major: 'major' in entry ? entry.major : 0,
    minor: 'minor' in entry ? entry.minor : 0,
    xattrs: new Map(Object.entries(entry.xattrs ?? {}).map(([name, value]) => [name, latin1(value)])),
  };
}

/** Those that the archive would say. */
function attributesOf(entry: EntryAttributes, mode: number): Attributes {
  return {
    mode: entry.mode ?? mode,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: entry.mtime ?? 1_700_000_000,
  };
}

function latin1(name: Name): string {
  return Buffer.from(name).toString('latin1');
}
