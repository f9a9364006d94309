import { layerRoot } from '../layout.ts';
import type { Digest } from '../registry/digest.ts';
import type {
  Attributes,
  BytePath,
  DirectoryEntry,
  Entry,
  FileEntry,
  SymbolicLinkEntry,
} from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import { gatherDocuments, type Documents } from './documents.ts';
import { booksOf, lockOf } from './json.ts';
import {
  documentPath,
  imageFolder,
  imagesBook,
  imagesFolder,
  layerFolder,
  layersBook,
  layersFolder,
  linkPath,
  linksFolder,
  lockPath,
  stampPath,
  type StoreRoot,
} from './paths.ts';
import { storeOf, type PublishedImage, type Store, type StoredImage, type StoredLayer } from './store.ts';

/** What a store is made with. */
export interface StoreParts {
  readonly view: RepositoryView;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  /** Of everything in the store. The mode is not used. */
  readonly attributes: Attributes;
}

/** What changes in a store. */
export interface StoreUpdate {
  /** What the books will list. Folders above it are not among it. */
  readonly trees: readonly Entry[];
  /** The books: what makes it visible. */
  readonly names: readonly Entry[];
  /** What the new books do not list any more. */
  readonly outdated: readonly BytePath[];
  /** Images that were in the store and cannot be any more, since something of them is lost. */
  readonly lost: readonly PublishedImage[];
}

/** What is to be in a store, and what is published of it. */
export interface StoreChange {
  readonly root: StoreRoot;
  readonly before: readonly PublishedImage[];
  readonly after: readonly PublishedImage[];
  /** Documents of the images that are new. */
  readonly documents: Documents;
  /** Images whose parts are to be written again, also where they are there. */
  readonly again: readonly PublishedImage[];
}

/**
 * Each is a word in the command of `cvmfs_server`, and all are one argument of the program that it starts (128 KiB at
 * most). The rest goes with the next publications: nothing refers to it.
 */
const MOST_OUTDATED = 400;
const HEXADECIMAL = /^[0-9a-f]{64}$/;
const EMPTY: Store = { images: new Map(), layers: new Map() };

/**
 * Finds out what must change in the store at `root` so that it is the store of the images `after`. What another program
 * made there, or unpackd for other clients, is replaced.
 */
export async function updateOf(change: StoreChange, parts: StoreParts): Promise<StoreUpdate> {
  const { view } = parts;
  const { root, before, after, again, documents: brought } = change;
  const stamp = stampOf(parts);
  const isOurs = (await view.read(stampPath(root)))?.equals(stamp) ?? false;
  const there = await publishedParts(view, root);
  const kept = isOurs ? without(stillThere(storeOf(before), there), storeOf(again)) : EMPTY;
  const { documents, lost } = await gatherDocuments(after, { view, root, kept, brought });
  const store = storeOf(after.filter((image) => !lost.has(image)));
  const fresh = [...store.layers.values()].filter((layer) => !isSameLayer(kept.layers.get(layer.id), layer));
  const make = new Maker(root, parts);
  return {
    trees: [
      ...(await make.markers()),
      ...fresh.flatMap((layer) => make.layer(layer)),
      ...[...store.images.values()].flatMap((image) =>
        make.image(image, kept.images.get(image.id), documents),
      ),
    ],
    names: [...(await make.books(store)), ...(isOurs ? [] : [make.file(stampPath(root), stamp)])],
    outdated: [...(await wrongLowers(view, root, fresh)), ...outdated(root, { there, kept, store })].slice(
      0,
      MOST_OUTDATED,
    ),
    lost: [...lost],
  };
}

/** Tells by whom, and for which clients, the store was made. */
function stampOf({ clientRoot }: StoreParts): Buffer {
  return Buffer.from(`${JSON.stringify({ format: 1, clientRoot })}\n`);
}

/** Names of layers, short names, and images that a store's folders have, listed or not. */
interface PublishedParts {
  readonly layers: ReadonlySet<string>;
  readonly links: ReadonlySet<string>;
  readonly images: ReadonlySet<string>;
}

async function publishedParts(view: RepositoryView, root: StoreRoot): Promise<PublishedParts> {
  const named = async (folder: BytePath, pattern: RegExp): Promise<Set<string>> =>
    new Set((await view.list(folder)).map(({ name }) => name).filter((name) => pattern.test(name)));
  return {
    layers: await named(layersFolder(root), HEXADECIMAL),
    links: await named(linksFolder(root), /^[0-9A-Za-z]+$/),
    images: await named(imagesFolder(root), HEXADECIMAL),
  };
}

/** What of the store somebody has not taken away. */
function stillThere({ images, layers }: Store, there: PublishedParts): Store {
  return {
    images: new Map([...images].filter(([id]) => there.images.has(id))),
    layers: new Map(
      [...layers].filter(([id, { shortName }]) => there.layers.has(id) && there.links.has(shortName)),
    ),
  };
}

function without({ images, layers }: Store, other: Store): Store {
  return {
    images: new Map([...images].filter(([id]) => !other.images.has(id))),
    layers: new Map([...layers].filter(([id]) => !other.layers.has(id))),
  };
}

/** Whether both have the same files. */
function isSameLayer(one: StoredLayer | undefined, other: StoredLayer): boolean {
  return (
    one !== undefined &&
    one.record.digest === other.record.digest &&
    one.shortName === other.shortName &&
    one.lower.join() === other.lower.join()
  );
}

/** Makes the entries of a store. */
class Maker {
  readonly #root: StoreRoot;
  readonly #parts: StoreParts;

  constructor(root: StoreRoot, parts: StoreParts) {
    this.#root = root;
    this.#parts = parts;
  }

  /** The nested catalogs that the parts of a store are. */
  async markers(): Promise<Entry[]> {
    const root = this.#root;
    const folders = [root, layersFolder(root), linksFolder(root), imagesFolder(root)];
    const missing: Entry[] = [];
    for (const path of folders.map((folder) => `${folder}/${CATALOG_MARKER}`))
      if ((await this.#parts.view.kindOf(path)) === undefined) missing.push(this.file(path, Buffer.alloc(0)));
    return missing;
  }

  /** @see containers/storage, drivers/overlay/overlay.go, `create` and `getLower` */
  layer({ id, record, shortName, lower }: StoredLayer): Entry[] {
    const folder = layerFolder(this.#root, id);
    const below = lower.map((name) => `l/${name}`).join(':');
    return [
      this.#directory(folder),
      this.#symlink(`${folder}/diff`, this.#treeOf(record.digest)),
      this.file(`${folder}/link`, Buffer.from(shortName)),
      // What is mounted below a layer that has nothing below it.
      below === '' ? this.#directory(`${folder}/empty`) : this.file(`${folder}/lower`, Buffer.from(below)),
      this.#directory(`${folder}/merged`),
      this.#symlink(linkPath(this.#root, shortName), `../${id}/diff`),
    ];
  }

  /** What `image` has and `kept`, the same image, has not. */
  image(image: StoredImage, kept: StoredImage | undefined, documents: Documents): Entry[] {
    const files = [...image.documents].flatMap(([key, { digest }]) => {
      if (kept?.documents.get(key)?.digest === digest) return [];
      const bytes = documents.get(digest);
      if (bytes === undefined)
        throw new Error(`the document ${digest} of image ${image.id} was not gathered`);
      return [this.file(documentPath(this.#root, image.id, key), bytes)];
    });
    return files.length === 0 ? [] : [this.#directory(imageFolder(this.#root, image.id)), ...files];
  }

  /** Those that differ from what is published: layers first, since images name them. */
  async books(store: Store): Promise<Entry[]> {
    const { images, layers } = booksOf(store);
    return [
      ...(await this.#book(layersBook(this.#root), layers)),
      ...(await this.#book(imagesBook(this.#root), images)),
    ];
  }

  async #book(path: BytePath, bytes: Buffer): Promise<Entry[]> {
    const lock = lockOf(bytes);
    const { view } = this.#parts;
    const isThere = (await view.kindOf(path)) === 'file';
    if (isThere && (await view.read(lockPath(path)))?.equals(lock) === true) return [];
    return [this.file(path, bytes), this.file(lockPath(path), lock)];
  }

  file(path: BytePath, bytes: Buffer): FileEntry {
    return {
      type: 'file',
      path,
      attributes: this.#attributes(0o644),
      sizeBytes: bytes.length,
      content: [bytes],
    };
  }

  #directory(path: BytePath): DirectoryEntry {
    return { type: 'directory', path, attributes: this.#attributes(0o755) };
  }

  #symlink(path: BytePath, target: string): SymbolicLinkEntry {
    return { type: 'symlink', path, attributes: this.#attributes(0o777), target };
  }

  /** Absolute, since podman takes the changes of a container from there too. */
  #treeOf(layer: Digest): string {
    return Buffer.from(`${this.#parts.clientRoot}/${layerRoot(layer)}`).toString('latin1');
  }

  #attributes(mode: number): Attributes {
    return { ...this.#parts.attributes, mode };
  }
}

/** Layers that had something below them when somebody else wrote them, and now have nothing. */
async function wrongLowers(
  view: RepositoryView,
  root: StoreRoot,
  fresh: readonly StoredLayer[],
): Promise<BytePath[]> {
  const wrong: BytePath[] = [];
  for (const { id, lower } of fresh) {
    const path = `${layerFolder(root, id)}/lower`;
    if (lower.length === 0 && (await view.kindOf(path)) !== undefined) wrong.push(path);
  }
  return wrong;
}

/** What lies in the store's folders and is no part of it. */
function outdated(
  root: StoreRoot,
  { there, kept, store }: { there: PublishedParts; kept: Store; store: Store },
): BytePath[] {
  const links = new Set([...store.layers.values()].map(({ shortName }) => shortName));
  return [
    ...[...there.images].filter((id) => !store.images.has(id)).map((id) => imageFolder(root, id)),
    ...[...there.layers].filter((id) => !store.layers.has(id)).map((id) => layerFolder(root, id)),
    ...[...there.links].filter((name) => !links.has(name)).map((name) => linkPath(root, name)),
    ...[...store.images.values()].flatMap((image) =>
      outdatedDocuments(root, image, kept.images.get(image.id)),
    ),
  ];
}

function outdatedDocuments(root: StoreRoot, image: StoredImage, kept: StoredImage | undefined): BytePath[] {
  return [...(kept?.documents.keys() ?? [])]
    .filter((key) => !image.documents.has(key))
    .map((key) => documentPath(root, image.id, key));
}
