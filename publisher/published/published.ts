import { hexOf, type Digest } from '../../core/oci/digest.ts';
import type { OutputName } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { layerRoot, recordPath } from '../image/layout.ts';
import type { RepositoryView } from '../publication/view.ts';

/** A tree that is published whole. */
export interface TreeLocation {
  /** The output that it is of. */
  readonly kind: OutputName;
  readonly hex: string;
  /** Path of the tree: the output's folder for `hex`, or below that. */
  readonly root: BytePath;
}

/**
 * The rules by which trees are made:
 * - 0: it may have links to files in chunks, which nobody can read;
 * - 1: a layer has files of those that the first image with it had below, where hard links of its own name them; a flat tree
 *   may lack layers that its config names;
 * - 2: it depends on what it is named by, and on nothing else.
 */
const RULES = 2;

/** Content of a record: the number of the rules. A record without a number is older than these. */
export const RECORD = Buffer.from(`${RULES}\n`);

/** Reports whether unpackd published the tree whole, by rules `rules` or later ones, and it is still there. */
export async function isRecorded(
  view: RepositoryView,
  tree: TreeLocation & { readonly rules?: number },
): Promise<boolean> {
  const { rules = 0 } = tree;
  const isMade = (await view.kindOf(recordPath(tree.kind, tree.hex))) === 'file';
  if (!isMade || !(await isThere(view, tree)) || !(await isReadable(view, tree))) return false;
  return rules === 0 || (await rulesOf(view, tree)) >= rules;
}

/** Reports whether the files of `layer` can be linked to. */
export async function isLayerRecorded(view: RepositoryView, layer: Digest): Promise<boolean> {
  return await isRecorded(view, layerLocation(layer));
}

/** Reports whether `layer` was published by the latest rules. */
export async function isOfNow(view: RepositoryView, layer: Digest): Promise<boolean> {
  return (await rulesOf(view, layerLocation(layer))) >= RULES;
}

/** Reports whether all of `trees` are there, whoever made them, and can be read. */
export async function areTreesPublished(
  view: RepositoryView,
  trees: readonly TreeLocation[],
): Promise<boolean> {
  const isInDoubt = await view.mayHoldUnlinkable('');
  for (const tree of trees) {
    if (!(await isThere(view, tree))) return false;
    if (isInDoubt && !(await isReadable(view, tree))) return false;
  }
  return true;
}

/** Reports whether the tree is there, or its record says that it was. */
export async function hasTraces(view: RepositoryView, tree: TreeLocation): Promise<boolean> {
  return (await isThere(view, tree)) || (await view.kindOf(recordPath(tree.kind, tree.hex))) !== undefined;
}

export function layerLocation(layer: Digest): TreeLocation {
  return { kind: 'layers', hex: hexOf(layer), root: layerRoot(layer) };
}

async function rulesOf(view: RepositoryView, { kind, hex }: TreeLocation): Promise<number> {
  const record = await view.read(recordPath(kind, hex));
  return Number(record?.toString('latin1') ?? '');
}

async function isThere(view: RepositoryView, { root }: TreeLocation): Promise<boolean> {
  return (await view.kindOf(root)) === 'directory';
}

/** Reports whether nothing in the tree can be unreadable: one in doubt is made again, and has a record then. */
async function isReadable(view: RepositoryView, tree: TreeLocation): Promise<boolean> {
  if (!(await view.mayHoldUnlinkable(''))) return true;
  return (await rulesOf(view, tree)) > 0 || !(await view.mayHoldUnlinkable(tree.root));
}
