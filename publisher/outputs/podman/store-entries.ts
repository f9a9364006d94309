import { layerRoot } from '../../image/layout.ts';
import {
  metadataFile,
  type Attributes,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type SymbolicLinkEntry,
} from '../../publication/entry.ts';
import { type BytePath } from '../../../core/system/byte-path.ts';
import type { CollectorContext } from '../output.ts';
import { CATALOG_MARKER } from '../../tree/catalogs.ts';
import { missingDocuments, type Documents } from './documents.ts';
import { serializeIndex, lockOf } from './store-index.ts';
import { type LayerId, mountedBelow, type Store, type StoredImage, type StoredLayer } from './store.ts';
import {
  documentPath,
  imageFolder,
  imagesJsonPath,
  layerFolder,
  layersJsonPath,
  linkPath,
  lockPath,
  type StoreRoot,
  linkFilePath,
  linkTarget,
} from './paths.ts';

export type StoreContext = Pick<CollectorContext, 'view' | 'clientRoot' | 'attributes'>;

/** Makes the entries of a store. */
export class StoreEntries {
  readonly #root: StoreRoot;
  readonly #parts: StoreContext;

  constructor(root: StoreRoot, parts: StoreContext) {
    this.#root = root;
    this.#parts = parts;
  }

  /**
   * Missing catalog markers of `folders`, each after its folder: one that is there already and is not named loses its owner.
   *
   * @see cvmfs/cvmfs#4439
   */
  async missingMarkers(folders: readonly BytePath[]): Promise<Entry[]> {
    const { view } = this.#parts;
    const missing: Entry[] = [];
    for (const folder of folders) {
      const path = `${folder}/${CATALOG_MARKER}`;
      if ((await view.kindOf(path)) !== undefined) continue;
      if ((await view.kindOf(folder)) === 'directory') missing.push(this.#directory(folder));
      missing.push(this.file(path, Buffer.alloc(0)));
    }
    return missing;
  }

  /** @see containers/storage, drivers/overlay/overlay.go, `create` and `getLower` */
  layer(layer: StoredLayer, names: ReadonlyMap<LayerId, string>): Entry[] {
    const { id, record } = layer;
    const nameOf = (one: LayerId): string => {
      const name = names.get(one);
      if (name === undefined) throw new Error(`layer ${one} has no short name`);
      return name;
    };
    const shortName = nameOf(id);
    const folder = layerFolder(this.#root, id);
    const tree = `${this.#parts.clientRoot}/${layerRoot(record.digest)}`;
    const below = mountedBelow(layer)
      .map((lower) => `l/${nameOf(lower.id)}`)
      .join(':');
    return [
      this.#directory(folder),
      // Absolute, since podman takes the changes of a container from there too.
      this.#symlink(`${folder}/diff`, Buffer.from(tree).toString('latin1')),
      this.file(linkFilePath(this.#root, id), Buffer.from(shortName)),
      // What is mounted below a layer that has nothing below it.
      below === '' ? this.#directory(`${folder}/empty`) : this.file(`${folder}/lower`, Buffer.from(below)),
      this.#directory(`${folder}/merged`),
      this.#symlink(linkPath(this.#root, shortName), linkTarget(id)),
    ];
  }

  /** Documents of `image` that `kept`, the same image, lacks. */
  image(image: StoredImage, kept: StoredImage | undefined, documents: Documents): Entry[] {
    const files = missingDocuments(image, kept).map(({ key, digest }) => {
      const bytes = documents.get(digest);
      if (bytes === undefined)
        throw new Error(`the document ${digest} of image ${image.id} was not gathered`);
      return this.file(documentPath(this.#root, image.id, key), bytes);
    });
    return files.length === 0 ? [] : [this.#directory(imageFolder(this.#root, image.id)), ...files];
  }

  /** Index files that differ from the published ones: layers first, since images name them. */
  async index(store: Store): Promise<Entry[]> {
    const { images, layers } = serializeIndex(store);
    return [
      ...(await this.#indexFile(layersJsonPath(this.#root), layers)),
      ...(await this.#indexFile(imagesJsonPath(this.#root), images)),
    ];
  }

  async #indexFile(path: BytePath, bytes: Buffer): Promise<Entry[]> {
    const lock = lockOf(bytes);
    const { view } = this.#parts;
    const isSame = (await view.read(lockPath(path)))?.equals(lock) === true;
    if (isSame && (await view.read(path))?.equals(bytes) === true) return [];
    return [this.file(path, bytes), this.file(lockPath(path), lock)];
  }

  file(path: BytePath, bytes: Buffer): FileEntry {
    return metadataFile(path, bytes, this.#parts.attributes);
  }

  #directory(path: BytePath): DirectoryEntry {
    return { type: 'directory', path, attributes: this.#attributes(0o755) };
  }

  #symlink(path: BytePath, target: string): SymbolicLinkEntry {
    return { type: 'symlink', path, attributes: this.#attributes(0o777), target };
  }

  #attributes(mode: number): Attributes {
    return { ...this.#parts.attributes, mode };
  }
}
