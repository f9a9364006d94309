import { NumberSet } from '../packed/number-set.ts';
import type { Digest } from '../registry/digest.ts';
import type { Entry } from '../repository/entry.ts';
import type { AnyNode, FileNode } from '../tree/node.ts';
import type { UnitTree } from './unit.ts';

/** Bytes of the files that the unit brings: all but those that it links to. */
export function contentBytes({ tree, files, beside }: UnitTree): number {
  const counted = new Map<Digest, NumberSet>();
  let total = fileBytes(beside);
  for (const { source, sizeBytes } of filesOf(tree)) {
    if (source.kind === 'bytes') {
      total += sizeBytes;
    } else if (files !== 'linked') {
      const ordinals = counted.get(source.layer) ?? new NumberSet();
      counted.set(source.layer, ordinals);
      if (ordinals.add(source.ordinal)) total += sizeBytes;
    }
  }
  return total;
}

/** Bytes of the files among `entries`. */
export function fileBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0);
}

function* filesOf(node: AnyNode): Generator<FileNode> {
  if (node.type === 'file') yield node;
  if (node.type !== 'directory') return;
  for (const child of node.children.values()) yield* filesOf(child);
}
