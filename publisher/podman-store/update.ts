import { layerRoot } from '../layout.ts';
import type { Digest } from '../registry/digest.ts';
import {
  ownFile,
  type Attributes,
  type BytePath,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type SymbolicLinkEntry,
} from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import { NOTHING_PUBLISHED, storeBefore, type PublishedStore } from './before.ts';
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
import {
  layerIdsOf,
  mountedBelow,
  namedImages,
  storeOf,
  storeOfNamed,
  type PublishedImage,
  type Store,
  type StoredImage,
  type StoredLayer,
} from './store.ts';

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
  /** Folders that all else is in. */
  readonly folders: readonly BytePath[];
  /** What the books will list, below those folders; made anew each time, since it is all layers where a store is new. */
  readonly trees: () => Iterable<Entry>;
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
  const idsOf = remembered(layerIdsOf);
  const wanted = namedImages(after, idsOf);
  const whole = storeOfNamed(wanted);
  const published = isOurs ? storeBefore(namedImages(before, idsOf), wanted, whole) : NOTHING_PUBLISHED;
  const kept = new Kept(published, there, storeOf(again, idsOf));
  const { documents, lost } = await gatherDocuments(after, { view, root, kept, brought });
  const left = after.filter((image) => !lost.has(image));
  const store = lost.size === 0 ? whole : storeOf(left, idsOf);
  const fresh = kept.layersMissing(store);
  const make = new Maker(root, parts);
  const folders = [root, layersFolder(root), linksFolder(root), imagesFolder(root)];
  const markers = await make.missingMarkers(folders);
  return {
    folders,
    trees: function* () {
      yield* markers;
      for (const layer of fresh) yield* make.layer(layer);
      for (const image of store.images.values()) yield* make.image(image, kept.image(image.id), documents);
    },
    names: [...(await make.books(store)), ...(isOurs ? [] : [make.file(stampPath(root), stamp)])],
    outdated: [...(await wrongLowers(view, root, fresh)), ...outdated(root, { there, kept, store })].slice(
      0,
      MOST_OUTDATED,
    ),
    lost: [...lost],
  };
}

/** Most images are in the store before and after. */
function remembered<Key extends object, Value>(work: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    const value = known.get(key) ?? work(key);
    known.set(key, value);
    return value;
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
  const named = async (folder: BytePath, pattern: RegExp): Promise<Set<string>> => {
    const names = new Set<string>();
    for (const { name } of await view.list(folder)) if (pattern.test(name)) names.add(name);
    return names;
  };
  return {
    layers: await named(layersFolder(root), HEXADECIMAL),
    links: await named(linksFolder(root), /^[0-9A-Za-z]+$/),
    images: await named(imagesFolder(root), HEXADECIMAL),
  };
}

/** What of a published store can stay as it is: what nobody has taken away, and is not to be written again. */
class Kept {
  readonly #published: PublishedStore;
  readonly #there: PublishedParts;
  readonly #again: Store;

  constructor(published: PublishedStore, there: PublishedParts, again: Store) {
    this.#published = published;
    this.#there = there;
    this.#again = again;
  }

  image(id: string): StoredImage | undefined {
    return this.#there.images.has(id) && !this.#again.images.has(id) ? this.#published.image(id) : undefined;
  }

  /** Those of `store` whose files are not published so. A layer names those below it, so that theirs count too. */
  layersMissing(store: Store): StoredLayer[] {
    const missing = new Set<StoredLayer>();
    const changed = new Set<StoredLayer>();
    for (const layer of store.layers.values()) {
      const { id, parent, record, shortName } = layer;
      const kept = this.#published.layer(id);
      const isSame = kept?.record.digest === record.digest && kept.shortName === shortName;
      if (!isSame || (parent !== undefined && changed.has(parent))) changed.add(layer);
      if (changed.has(layer) || !this.#isThere(id, shortName) || this.#again.layers.has(id))
        missing.add(layer);
    }
    return [...missing];
  }

  #isThere(id: string, shortName: string): boolean {
    return this.#there.layers.has(id) && this.#there.links.has(shortName);
  }
}

/** Makes the entries of a store. */
class Maker {
  readonly #root: StoreRoot;
  readonly #parts: StoreParts;

  constructor(root: StoreRoot, parts: StoreParts) {
    this.#root = root;
    this.#parts = parts;
  }

  /** What makes each of `folders` a nested catalog, where that is not there. */
  async missingMarkers(folders: readonly BytePath[]): Promise<Entry[]> {
    const missing: Entry[] = [];
    for (const path of folders.map((folder) => `${folder}/${CATALOG_MARKER}`))
      if ((await this.#parts.view.kindOf(path)) === undefined) missing.push(this.file(path, Buffer.alloc(0)));
    return missing;
  }

  /** @see containers/storage, drivers/overlay/overlay.go, `create` and `getLower` */
  layer(layer: StoredLayer): Entry[] {
    const { id, record, shortName } = layer;
    const folder = layerFolder(this.#root, id);
    const below = mountedBelow(layer)
      .map((lower) => `l/${lower.shortName}`)
      .join(':');
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
    if (image === kept) return [];
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
    return ownFile(path, bytes, this.#parts.attributes);
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
  for (const layer of fresh) {
    const path = `${layerFolder(root, layer.id)}/lower`;
    if (mountedBelow(layer).length === 0 && (await view.kindOf(path)) !== undefined) wrong.push(path);
  }
  return wrong;
}

/** What lies in the store's folders and is no part of it. */
function outdated(
  root: StoreRoot,
  { there, kept, store }: { there: PublishedParts; kept: Kept; store: Store },
): BytePath[] {
  const links = new Set<string>();
  for (const { shortName } of store.layers.values()) links.add(shortName);
  return [
    ...missingFrom(store.images, there.images).map((id) => imageFolder(root, id)),
    ...missingFrom(store.layers, there.layers).map((id) => layerFolder(root, id)),
    ...missingFrom(links, there.links).map((name) => linkPath(root, name)),
    ...[...store.images.values()].flatMap((image) => outdatedDocuments(root, image, kept.image(image.id))),
  ];
}

/** Those of `names` that `known` has not. Mostly none of tens of thousands. */
function missingFrom(known: { has(name: string): boolean }, names: Iterable<string>): string[] {
  const missing: string[] = [];
  for (const name of names) if (!known.has(name)) missing.push(name);
  return missing;
}

function outdatedDocuments(root: StoreRoot, image: StoredImage, kept: StoredImage | undefined): BytePath[] {
  if (image === kept) return [];
  return [...(kept?.documents.keys() ?? [])]
    .filter((key) => !image.documents.has(key))
    .map((key) => documentPath(root, image.id, key));
}
