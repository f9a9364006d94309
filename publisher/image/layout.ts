import { hash } from 'node:crypto';
import { OUTPUT_FORMS, OWN_FOLDERS, type OutputName } from '../../core/outputs.ts';
import { LINUX_AMD64, usualPlatform, type Platform } from '../../core/oci/platform.ts';
import { isPlain } from './image.ts';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';

/** The paths of a published repository: the layout of DUCC, which clients rely on. One place that knows them. */

export function layerPath(layer: Digest): BytePath {
  return treePath('layers', hexOf(layer));
}

/** The root of a layer's own tree. */
export function layerRoot(layer: Digest): BytePath {
  return `${layerPath(layer)}/layerfs`;
}

export function layerMetadataPath(layer: Digest): BytePath {
  return `${layerPath(layer)}/.metadata`;
}

export function flatPath(flat: Digest): BytePath {
  return treePath('flat', hexOf(flat));
}

/** What the identifier of a flat tree is made of. */
interface FlatSource {
  readonly config: { readonly digest: Digest };
  /** Places of the layers that it lacks. */
  readonly skipped: readonly number[];
}

/**
 * Identifier of an image's flat tree: the config's, which names all layers. A tree that lacks some of them is another one,
 * and has another name.
 */
export function flatId({ config, skipped }: FlatSource): Digest {
  return skipped.length === 0
    ? config.digest
    : `sha256:${hash('sha256', `${config.digest} without ${skipped.join(' ')}`)}`;
}

export function chainPath(chain: Digest): BytePath {
  return treePath('chains', hexOf(chain));
}

/** Folder of what an output has under a digest. */
export function treePath(output: OutputName, hex: string): BytePath {
  return `${OUTPUT_FORMS[output].folder}/${hex.slice(0, 2)}/${hex}`;
}

/**
 * Records that the tree was published whole, by this program: a tree of DUCC, or made by hand, may lack anything, and is
 * completed before something builds on it.
 */
export function recordPath(output: OutputName, hex: string): BytePath {
  return `${OWN_FOLDERS.records}/${output}/${hex.slice(0, 2)}/${hex}`;
}

/**
 * The public name of an image for `platform`: itself the path of the link to the flat tree. Linux/amd64 has the plain
 * one, any other `.multiarch/<architecture>[:<variant>]/` in front of it.
 *
 * @param name `<registry>/<repository>:<tag>`, possibly below a folder
 */
export function platformName(platform: Platform, name: string): string {
  return isPlain(platform) ? name : multiarchName(platform, name);
}

/** Images for further platforms, by architecture and variant. */
export const MULTIARCH_FOLDER = OWN_FOLDERS.platforms;

/** The folder of all images for `platform`. */
export function platformFolder(platform: Platform): BytePath {
  const { architecture, variant } = usualPlatform(platform);
  return `${MULTIARCH_FOLDER}/${variant === undefined ? architecture : `${architecture}:${variant}`}`;
}

/** The name of an image in the folder of its platform, which may also be linux/amd64. */
export function multiarchName(platform: Platform, name: string): string {
  return `${platformFolder(platform)}/${name}`;
}

/**
 * Recognizes the target of a plain name that leads to the folders of platforms, also as expanded by a client; a release
 * manager shows the stored form.
 */
export function isVariantTarget(target: string): boolean {
  return /^(?:\.\.\/)*\.multiarch\//.test(target);
}

const FURTHER_PLATFORM = /^\.multiarch\/([^/:]+)(?::([^/]+))?\/(.+)$/s;

/** Reverses {@link platformName}. Also reads names of DUCC, which keeps variants and has linux/amd64 there too. */
export function parsePlatformName(name: string): {
  readonly platform: Platform;
  readonly publicName: string;
} {
  const [, architecture, variant, publicName] = FURTHER_PLATFORM.exec(name) ?? [];
  if (architecture === undefined || publicName === undefined)
    return { platform: LINUX_AMD64, publicName: name };
  return { platform: usualPlatform({ os: 'linux', architecture, variant }), publicName };
}

/** As images have them: DUCC has linux/amd64, and variants that are an architecture's first, in folders of their own. */
export function usualName(name: string): string {
  const { platform, publicName } = parsePlatformName(name);
  return platformName(platform, publicName);
}

/** Below it each image has a folder of its public name. */
export const METADATA_FOLDER = OWN_FOLDERS.metadata;
export const MANIFEST_FILE = 'manifest.json';

/** @param name as {@link platformName} gives it */
export function manifestPath(name: string): BytePath {
  return metadataPath(name, MANIFEST_FILE);
}

/** Of the file `file` in the metadata of the image `name`, as {@link platformName} gives it. */
export function metadataPath(name: string, file: string): BytePath {
  return `${METADATA_FOLDER}/${name}/${file}`;
}

/** In the metadata of an image that was published by hand: nobody takes it back but by hand. */
export const BY_HAND_FILE = 'by-hand';
/** In the metadata of an image that a tag led to before it moved: says which. */
export const KEPT_FOR_FILE = 'kept-for';

/** Below it each image that was taken back has a folder of its public name. */
export const REMOVED_FOLDER = `${OWN_FOLDERS.records}/removed`;

/**
 * The public name of the image with this manifest in place of its tag; `undefined` for a name with a digest.
 *
 * @param name as {@link platformName} gives it
 */
export function digestName(name: string, manifest: Digest): string | undefined {
  const colon = name.lastIndexOf(':');
  if (name.includes('@', name.lastIndexOf('/')) || colon <= name.lastIndexOf('/')) return undefined;
  return `${name.slice(0, colon)}@${manifest}`;
}

/** Of the file `file` that is kept of an image whose public name `name` was taken back. */
export function removedPath(name: string, file: string): BytePath {
  return `${REMOVED_FOLDER}/${name}/${file}`;
}

/**
 * The identifiers of an image's chains, one for each layer, lowest first. DUCC's formula over compressed digests, not
 * the chain ID of the OCI specification.
 */
export function chainIds(layers: readonly Digest[]): Digest[] {
  const ids: Digest[] = [];
  for (const layer of layers) {
    const below = ids.at(-1);
    ids.push(`sha256:${hash('sha256', below === undefined ? layer : `${below} ${layer}`)}`);
  }
  return ids;
}
