import { OUTPUT_FORMS } from '../../../core/outputs.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { LayerId } from './store.ts';
import type { RepositoryView } from '../../publication/view.ts';

/** Paths of a store's parts, below its root: containers/storage, drivers/overlay and store.go. */

/** A store's root, relative to the repository's. */
export type StoreRoot = BytePath;

const PLATFORM = /^(\.multiarch\/[^/]+)\//;

/**
 * The store that has the image with this public name: one for each platform, since podman knows an image by its name
 * alone. Colons separate directories in the options of an overlay mount, so that a variant follows after a dash here.
 */
export function storeRoot(publicName: string): StoreRoot {
  const [, platform] = PLATFORM.exec(publicName) ?? [];
  const podman = OUTPUT_FORMS.podman.folder;
  return platform === undefined ? podman : `${platform.replace(':', '-')}/${podman}`;
}

/** Path of the stamp in a store's root that says who made it. */
export function stampPath(root: StoreRoot): BytePath {
  return `${root}/.unpackd.json`;
}

export function layersFolder(root: StoreRoot): BytePath {
  return `${root}/overlay`;
}

export function linksFolder(root: StoreRoot): BytePath {
  return `${root}/overlay/l`;
}

export function imagesFolder(root: StoreRoot): BytePath {
  return `${root}/overlay-images`;
}

/** The list of images. */
export function imagesJsonPath(root: StoreRoot): BytePath {
  return `${imagesFolder(root)}/images.json`;
}

/** The list of layers. */
export function layersJsonPath(root: StoreRoot): BytePath {
  return `${root}/overlay-layers/layers.json`;
}

/** The file whose content changes with the index file at `path`. */
export function lockPath(path: BytePath): BytePath {
  return path.replace(/json$/, 'lock');
}

export function layerFolder(root: StoreRoot, layer: LayerId): BytePath {
  return `${layersFolder(root)}/${layer}`;
}

export function linkPath(root: StoreRoot, shortName: string): BytePath {
  return `${linksFolder(root)}/${shortName}`;
}

export function imageFolder(root: StoreRoot, image: string): BytePath {
  return `${imagesFolder(root)}/${image}`;
}

/**
 * The file of a document that podman asks for by `key`.
 *
 * @see containers/storage, images.go, `makeBigDataBaseName`
 */
export function documentPath(root: StoreRoot, image: string, key: string): BytePath {
  const isPlainKey = /^[.0-9a-z]+$/.test(key);
  return `${imageFolder(root, image)}/${isPlainKey ? key : `=${Buffer.from(key).toString('base64')}`}`;
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Short because the names of all of an image's layers must fit into the options of one mount (4,096 bytes, of which
 * each takes the path of the store too), and long enough that those of a hundred thousand layers hardly ever collide.
 */
export const SHORT_CHARACTERS = 6;
/** As many as fit into a number exactly. */
const NUMBER_HEX_DIGITS = 13;

/** Published short names of a store. */
export interface PublishedNames {
  readonly view: Pick<RepositoryView, 'read' | 'readLink'>;
  readonly root: StoreRoot;
  /** Every name in `l/`, whatever it leads to. */
  readonly links: ReadonlySet<string>;
}

/**
 * The short names of layers, by which others name them in their `lower` files, also those of containers on other machines.
 * So what is published never gets another meaning: a layer keeps its name, and one that has none yet gets the shortest of
 * its own that nobody has or has had. Whatever is in `l/` counts as had.
 */
export class ShortNames {
  readonly #published: PublishedNames;
  readonly #names = new Map<LayerId, string>();
  readonly #given = new Set<string>();

  constructor(published: PublishedNames) {
    this.#published = published;
  }

  async of(id: LayerId): Promise<string> {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name = (await this.#keptBy(id)) ?? (await this.#firstFor(id));
    this.#names.set(id, name);
    this.#given.add(name);
    return name;
  }

  /** The one in the layer's own `link` file. Where that is another program's, it stays in `l/` all the same. */
  async #keptBy(id: LayerId): Promise<string | undefined> {
    const { view, root } = this.#published;
    const name = (await view.read(linkFilePath(root, id)))?.toString('latin1');
    if (name === undefined || !namesFor(id).includes(name)) return undefined;
    return (await this.#isFor(id, name)) ? name : undefined;
  }

  async #firstFor(id: LayerId): Promise<string> {
    for (const name of namesFor(id)) if (await this.#isFor(id, name)) return name;
    throw new Error(`all short names of layer ${id} are taken`);
  }

  /** Reports whether the layer has the name, or can have it. */
  async #isFor(id: LayerId, name: string): Promise<boolean> {
    const { view, root, links } = this.#published;
    if (this.#given.has(name)) return false;
    return !links.has(name) || (await view.readLink(linkPath(root, name))) === linkTarget(id);
  }
}

/** The file of a layer that has its short name. */
export function linkFilePath(root: StoreRoot, id: LayerId): BytePath {
  return `${layerFolder(root, id)}/link`;
}

/** Link target of a layer's short name. */
export function linkTarget(id: LayerId): string {
  return `../${id}/diff`;
}

/** Names that a layer may have, those that are better first. They follow from its identifier, which is the last of them. @internal */
export function namesFor(id: LayerId): string[] {
  const digits = digitsOf(id);
  const names: string[] = [];
  for (let length = SHORT_CHARACTERS; length <= digits.length; length++) names.push(digits.slice(0, length));
  return [...names, id];
}

/** Prefix of a layer's short name, unless that is the identifier. */
export function shortNameFamily(id: LayerId): string {
  return digitsOf(id).slice(0, SHORT_CHARACTERS);
}

/** The first digits of the identifier to the base of 62, the least first, which differ most. */
function digitsOf(id: LayerId): string {
  let digits = '';
  let rest = Number.parseInt(id.slice(0, NUMBER_HEX_DIGITS), 16);
  for (; rest > 0; rest = Math.floor(rest / DIGITS.length)) digits += DIGITS[rest % DIGITS.length] ?? '';
  return digits.padEnd(SHORT_CHARACTERS, '0');
}
