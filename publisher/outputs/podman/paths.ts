import { OUTPUT_FORMS } from '../../../core/outputs.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { LayerId } from './layer-ids.ts';

/** Where the parts of a store are, below its root: containers/storage, drivers/overlay and store.go. */

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

/** How a store was made; it stands in its root. */
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
export function imagesBook(root: StoreRoot): BytePath {
  return `${imagesFolder(root)}/images.json`;
}

/** The list of layers. */
export function layersBook(root: StoreRoot): BytePath {
  return `${root}/overlay-layers/layers.json`;
}

/** The file whose content changes with the book at `book`. */
export function lockPath(book: BytePath): BytePath {
  return book.replace(/json$/, 'lock');
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
