import { z } from 'zod';
import { isPlain, layerDigests, type ResolvedImage } from '../image/image.ts';
import {
  chainIds,
  flatId,
  layerRoot,
  manifestPath,
  recordPath,
  unitPath,
  type Unit,
  multiarchName,
} from '../image/layout.ts';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import { isInStore } from '../outputs/podman/published-images.ts';
import { isLinked } from '../image/public-links.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';
import { parseIfValid } from '../../core/json.ts';

/** What an image's name leads to in the repository. */
export type PublishedState =
  /** The name, with the same config, in every form that is asked for. */
  'current' | 'absent-or-outdated';

const PublishedManifest = z.object({ config: z.object({ digest: z.string() }) });

/** Whether `image` is published under its name already: its manifest has the same config, and every form is there. */
export async function publishedState(view: RepositoryView, image: ResolvedImage): Promise<PublishedState> {
  const config = image.manifest.config.digest;
  if ((await publishedConfig(view, image)) !== config) return 'absent-or-outdated';
  const isInDoubt = await view.mayHoldUnlinkable('');
  for (const unit of expectedUnits(image)) {
    if (!(await isThere(view, unit))) return 'absent-or-outdated';
    if (isInDoubt && !(await isMadeWell(view, unit))) return 'absent-or-outdated';
  }
  if (image.outputs.has('flat') && !(await isLinked(view, image))) return 'absent-or-outdated';
  if (image.outputs.has('podman') && !(await isInStore(view, image))) return 'absent-or-outdated';
  return 'current';
}

/** A tree that is published whole, by what its paths are made of. */
export interface PublishedUnit {
  readonly unit: Unit;
  readonly hex: string;
  /** Where its tree is. */
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

/** What a record holds: the number of the rules. One of no number is from before there were any. */
export const RECORD = Buffer.from(`${RULES}\n`);

/** Whether this program published the tree whole, by these rules or later ones, and it is still there. */
export async function isRecorded(
  view: RepositoryView,
  unit: PublishedUnit & { readonly rules?: number },
): Promise<boolean> {
  const { rules = 0 } = unit;
  const isMade = (await view.kindOf(recordPath(unit.unit, unit.hex))) === 'file';
  if (!isMade || !(await isThere(view, unit)) || !(await isMadeWell(view, unit))) return false;
  return rules === 0 || (await rulesOf(view, unit)) >= rules;
}

/** Whether `layer` was published by the rules of now. */
export async function isOfNow(view: RepositoryView, layer: Digest): Promise<boolean> {
  return (await rulesOf(view, layerUnit(layer))) >= RULES;
}

async function rulesOf(view: RepositoryView, { unit, hex }: PublishedUnit): Promise<number> {
  const record = await view.read(recordPath(unit, hex));
  return Number(record?.toString('latin1') ?? '');
}

async function isThere(view: RepositoryView, { root }: PublishedUnit): Promise<boolean> {
  return (await view.kindOf(root)) === 'directory';
}

/** Whether nothing in the tree can be unreadable: the one that is in doubt is made again, and has a record then. */
async function isMadeWell(view: RepositoryView, unit: PublishedUnit): Promise<boolean> {
  if (!(await view.mayHoldUnlinkable(''))) return true;
  return (await rulesOf(view, unit)) > 0 || !(await view.mayHoldUnlinkable(unit.root));
}

/** Whether the files of `layer` can be linked to. */
export async function isLayerRecorded(view: RepositoryView, layer: Digest): Promise<boolean> {
  return await isRecorded(view, layerUnit(layer));
}

/**
 * A manifest that cannot be read is as good as none: the image is published again. DUCC 2.14 has those for linux/amd64
 * beside those for other platforms.
 */
async function publishedConfig(
  view: RepositoryView,
  { publicName, platform }: ResolvedImage,
): Promise<string | undefined> {
  const bytes =
    (await view.read(manifestPath(publicName))) ??
    (isPlain(platform) ? await view.read(manifestPath(multiarchName(platform, publicName))) : undefined);
  return bytes === undefined ? undefined : parseIfValid(PublishedManifest, bytes)?.config.digest;
}

function expectedUnits(image: ResolvedImage): PublishedUnit[] {
  const { outputs } = image;
  const layers = layerDigests(image);
  const top = chainIds(layers).at(-1);
  return [
    ...(outputs.has('flat') ? [treeUnit('flat', flatId(image.manifest))] : []),
    ...(outputs.has('layers') ? layers.map(layerUnit) : []),
    ...(outputs.has('chains') && top !== undefined ? [treeUnit('chains', top)] : []),
  ];
}

function layerUnit(layer: Digest): PublishedUnit {
  return { unit: 'layers', hex: hexOf(layer), root: layerRoot(layer) };
}

function treeUnit(unit: 'flat' | 'chains', digest: Digest): PublishedUnit {
  const hex = hexOf(digest);
  return { unit, hex, root: unitPath(unit, hex) };
}
