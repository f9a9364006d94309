import { joinPath, type AnyNode, type DirectoryNode, type LayerDirectoryNode } from '../tree/node.ts';
import type { BytePath, ExtendedAttributes } from '../repository/entry.ts';
import type { UnitTree } from './unit.ts';

/** Both readers of an opaque directory: root's overlay mounts look at one, rootless ones at the other. */
const OPAQUE: readonly [string, string][] = [
  ['trusted.overlay.opaque', 'y'],
  ['user.overlay.opaque', 'y'],
];

/** Extended attributes of everything in the unit. */
export function* unitXattrs(unit: UnitTree): Generator<ExtendedAttributes> {
  yield* nodeXattrs(unit.tree, unit.root);
}

function* nodeXattrs(node: AnyNode, path: BytePath): Generator<ExtendedAttributes> {
  if (node.type === 'file') yield* wanted(path, node.xattrs);
  if (node.type !== 'directory') return;
  yield* wanted(path, ownXattrs(node));
  for (const [name, child] of node.children) yield* nodeXattrs(child, joinPath(path, name));
}

function ownXattrs(directory: DirectoryNode | LayerDirectoryNode): ReadonlyMap<string, string> {
  const opaque = 'opaque' in directory && directory.opaque;
  return opaque ? new Map([...directory.xattrs, ...OPAQUE]) : directory.xattrs;
}

function* wanted(path: BytePath, all: ReadonlyMap<string, string>): Generator<ExtendedAttributes> {
  if (all.size === 0) return;
  const values = new Map(
    [...all].filter(([name, value]) => isPublishable(name) || isOpaqueMark(name, value)),
  );
  if (values.size > 0) yield { path, values };
}

/** What an image may set: overlay's own attributes would change how the layer is read, others mean nothing elsewhere. */
function isPublishable(name: string): boolean {
  if (name === 'security.capability') return true;
  return name.startsWith('user.') && !name.startsWith('user.overlay.');
}

function isOpaqueMark(name: string, value: string): boolean {
  return OPAQUE.some(([mark, yes]) => mark === name && value === yes);
}
