import { NumberSet } from '../packed/number-set.ts';
import type { Digest } from '../registry/digest.ts';
import { NOTHING_NEEDED, sumOf, type Demand } from '../repository/demand.ts';
import type { Entry } from '../repository/entry.ts';
import type { AnyNode } from '../tree/node.ts';
import type { UnitTree } from './unit.ts';

/** What the unit brings: all but the files that it links to. */
export function demandOf({ tree, files, beside }: UnitTree): Demand {
  const counted = new Map<Digest, NumberSet>();
  let { bytes, inodes } = fileDemand(beside);
  for (const node of nodesOf(tree)) {
    if (node.type === 'foreign-link') continue;
    if (node.type !== 'file') inodes++;
    else if (node.source.kind === 'bytes' || (files !== 'linked' && isFirst(counted, node.source))) {
      bytes += node.sizeBytes;
      inodes++;
    }
  }
  return { bytes, inodes };
}

/** What the files among `entries` bring. */
export function fileDemand(entries: readonly Entry[]): Demand {
  return entries.reduce(
    (sum, entry) => (entry.type === 'file' ? sumOf(sum, { bytes: entry.sizeBytes, inodes: 1 }) : sum),
    NOTHING_NEEDED,
  );
}

/** Of several names of one file the first brings it. */
function isFirst(
  counted: Map<Digest, NumberSet>,
  { layer, ordinal }: { layer: Digest; ordinal: number },
): boolean {
  const ordinals = counted.get(layer) ?? new NumberSet();
  counted.set(layer, ordinals);
  return ordinals.add(ordinal);
}

function* nodesOf(node: AnyNode): Generator<AnyNode> {
  yield node;
  if (node.type !== 'directory') return;
  for (const child of node.children.values()) yield* nodesOf(child);
}
