import { hexOf, type Digest } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { layerDigests, type ResolvedImage } from '../image/image.ts';
import { chainIds, chainPath, flatId, flatPath, layerRoot } from '../image/layout.ts';
import { imagesFolder, imagesJsonPath, stampPath, storeRoot } from '../outputs/podman/paths.ts';
import type { RepositoryView } from '../publication/view.ts';
import { isRecorded, type TreeLocation } from '../published/published.ts';
import { targetWithin } from './names.ts';

/** What can be wrong with an image that another program published, with what that means for its users. */
export const FLAWS = {
  'manifest-rewritten': 'the manifest is not the one that the registry serves',
  'manifest-unreadable': 'the manifest cannot be read',
  'manifest-missing': 'a public name has a tree, but no manifest says of what',
  'layer-missing': 'a layer is not there',
  'layer-foreign': 'a layer was made by another program: owners, modes, times and attributes may be wrong',
  'whiteouts-literal': 'a layer has files called .wh.…: overlay mounts show them, and what they delete',
  'chain-foreign': 'a chain was made by another program',
  'flat-missing': 'the flat tree is not there',
  'flat-foreign': 'the flat tree was made by another program',
  'start-up-missing': 'the flat tree lacks start-up files of Apptainer',
  'name-missing': 'no public name leads to the flat tree',
  'name-elsewhere': 'the public name leads to another tree than that of the manifest',
  'store-foreign': 'the podman store was made by another program: shared layers may be mixed up',
} as const satisfies Readonly<Record<string, string>>;

export type FlawKind = keyof typeof FLAWS;

/** From what is known of an image to its trees, its name, and the store. */
export const FLAW_KINDS: readonly FlawKind[] = [
  'manifest-rewritten',
  'manifest-unreadable',
  'manifest-missing',
  'layer-missing',
  'layer-foreign',
  'whiteouts-literal',
  'chain-foreign',
  'flat-missing',
  'flat-foreign',
  'start-up-missing',
  'name-missing',
  'name-elsewhere',
  'store-foreign',
];

/** Something that is wrong, and where. */
export interface Flaw {
  readonly kind: FlawKind;
  readonly path: BytePath;
  /** How many there are of it below `path`; 1 where it is one thing. */
  readonly count: number;
}

/** Looks at the trees of images, each once however many have it. */
export class TreeInspector {
  readonly #view: RepositoryView;
  readonly #layers = new Map<Digest, Promise<readonly Flaw[]>>();

  constructor(view: RepositoryView) {
    this.#view = view;
  }

  /** Everything that can be seen without its layers' blobs to be wrong with `image`. */
  async flawsOf(image: ResolvedImage): Promise<readonly Flaw[]> {
    const { outputs, publicName } = image;
    const layers = [];
    for (const layer of layerDigests(image)) layers.push(await this.#layerFlaws(layer));
    return [
      ...layers.flat(),
      ...(outputs.has('chains') ? await this.#chainFlaws(image) : []),
      ...(outputs.has('flat') ? await this.#flatFlaws(image) : []),
      ...(outputs.has('podman') ? await this.#storeFlaws(storeRoot(publicName)) : []),
    ];
  }

  async #layerFlaws(layer: Digest): Promise<readonly Flaw[]> {
    const known = this.#layers.get(layer);
    if (known !== undefined) return await known;
    const looking = this.#lookAtLayer(layer);
    this.#layers.set(layer, looking);
    return await looking;
  }

  async #lookAtLayer(layer: Digest): Promise<readonly Flaw[]> {
    const root = layerRoot(layer);
    if ((await this.#view.kindOf(root)) !== 'directory') return [flaw('layer-missing', root)];
    if (await isRecorded(this.#view, { kind: 'layers', hex: hexOf(layer), root })) return [];
    let whiteouts = 0;
    for await (const { path, kind } of this.#view.walk(root))
      if (kind === 'file' && path.includes('/.wh.', root.length)) whiteouts++;
    const foreign = flaw('layer-foreign', root);
    return whiteouts === 0 ? [foreign] : [foreign, flaw('whiteouts-literal', root, whiteouts)];
  }

  async #chainFlaws(image: ResolvedImage): Promise<readonly Flaw[]> {
    const foreign: BytePath[] = [];
    for (const chain of chainIds(layerDigests(image))) {
      const root = chainPath(chain);
      if (await this.#isForeign({ kind: 'chains', hex: hexOf(chain), root })) foreign.push(root);
    }
    return foreign.map((root) => flaw('chain-foreign', root));
  }

  async #flatFlaws(image: ResolvedImage): Promise<readonly Flaw[]> {
    const { publicName } = image;
    const id = flatId(image.manifest);
    const root = flatPath(id);
    const flaws: Flaw[] = [];
    const target = await this.#view.readLink(publicName);
    if (target === undefined) flaws.push(flaw('name-missing', publicName));
    // A name for all architectures leads to the folder of one.
    else if (!image.hasVariantLink && targetWithin({ path: publicName, target }) !== root)
      flaws.push(flaw('name-elsewhere', publicName));
    if ((await this.#view.kindOf(root)) !== 'directory') return [...flaws, flaw('flat-missing', root)];
    if (!(await this.#isForeign({ kind: 'flat', hex: hexOf(id), root }))) return flaws;
    flaws.push(flaw('flat-foreign', root));
    const missing = await this.#countMissing(STARTUP_FILES.map((name) => `${root}/${name}`));
    if (missing > 0) flaws.push(flaw('start-up-missing', root, missing));
    return flaws;
  }

  async #isForeign(tree: TreeLocation): Promise<boolean> {
    return (await this.#view.kindOf(tree.root)) === 'directory' && !(await isRecorded(this.#view, tree));
  }

  async #countMissing(paths: readonly BytePath[]): Promise<number> {
    let missing = 0;
    for (const path of paths) if ((await this.#view.kindOf(path)) === undefined) missing++;
    return missing;
  }

  async #storeFlaws(root: BytePath): Promise<readonly Flaw[]> {
    const isThere = (await this.#view.kindOf(imagesJsonPath(root))) !== undefined;
    const isForeign = isThere && (await this.#view.kindOf(stampPath(root))) === undefined;
    return isForeign ? [flaw('store-foreign', root)] : [];
  }
}

/** What Apptainer and Singularity do not start an image without, or start it wrongly. */
const STARTUP_FILES = [
  '.singularity.d/actions/exec',
  '.singularity.d/actions/run',
  '.singularity.d/actions/shell',
  '.singularity.d/env',
  '.singularity.d/runscript',
];

/** Reports whether the store of `publicName` has the folder of the image with this config, whoever made it. */
export async function isInAnyStore(
  view: RepositoryView,
  { publicName, manifest }: Pick<ResolvedImage, 'publicName' | 'manifest'>,
): Promise<boolean> {
  const folder = `${imagesFolder(storeRoot(publicName))}/${hexOf(manifest.config.digest)}`;
  return (await view.kindOf(folder)) === 'directory';
}

function flaw(kind: FlawKind, path: BytePath, count = 1): Flaw {
  return { kind, path, count };
}
