import { groupBy } from '../../../core/group-by.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import { type ImageRecord, type LayerRecord, type StoredDocument, isPinned, pathOf } from './image-record.ts';
import { hash } from 'node:crypto';

/** An image that is published, as the store has to know it. */
export interface PublishedImage {
  /** Its place in the repository, relative to the root. */
  readonly publicName: string;
  readonly record: ImageRecord;
}

/** An image of the store: its identifier is its config's digest, in hexadecimal digits. */
export interface StoredImage {
  readonly id: string;
  readonly manifest: Digest;
  readonly names: readonly string[];
  /** `undefined` for an image without layers. */
  readonly topLayer: LayerId | undefined;
  readonly created: string;
  /** By the key that podman asks for: the config, the manifest, and further manifests and indexes of the image. */
  readonly documents: ReadonlyMap<string, StoredDocument>;
}

/** A layer of the store, over certain others. */
export interface StoredLayer {
  readonly id: LayerId;
  readonly parent: StoredLayer | undefined;
  readonly record: LayerRecord;
  readonly created: string;
}

/** Contents of a store's index. */
export interface Store {
  /** By identifier, in their order. */
  readonly images: ReadonlyMap<string, StoredImage>;
  /** By identifier: parents before children, and those of one depth in the order of their identifiers. */
  readonly layers: ReadonlyMap<LayerId, StoredLayer>;
}

export const EMPTY_STORE: Store = { images: new Map(), layers: new Map() };

/**
 * The store of these images and of all that was in it before: containers, and images that were built on it, on machines
 * that nobody knows of need that. The same images in any order give the same store.
 *
 * @param before what is published of it
 */
export function storeOf(published: readonly PublishedImage[], before: Store = EMPTY_STORE): Store {
  const named = namedImages(published);
  const images = new Map(Array.from(named, ([config, image]) => [hexOf(config), toImage(image)]));
  const taken = new Set(published.map(({ record }) => record.name));
  for (const image of before.images.values()) images.set(image.id, kept(image, images.get(image.id), taken));
  return {
    images: new Map([...images].sort(byKey)),
    layers: layersOf(named, before.layers),
  };
}

/**
 * The layers below whose trees are mounted, nearest first. Kernel overlay refuses the same directory twice (ELOOP), and
 * what is below its topmost occurrence is hidden anyway.
 */
export function mountedBelow({ record, parent }: StoredLayer): StoredLayer[] {
  const below: StoredLayer[] = [];
  const trees = new Set([record.digest]);
  for (let layer = parent; layer !== undefined; layer = layer.parent) {
    if (trees.has(layer.record.digest)) continue;
    trees.add(layer.record.digest);
    below.push(layer);
  }
  return below;
}

/** An image of the store: everything published with the same config. */
interface NamedImage {
  /** Source of the image's layers: the first by {@link inOrder}. */
  readonly first: ImageRecord;
  /** Identifiers of those layers. */
  readonly layers: readonly LayerId[];
  readonly all: readonly ImageRecord[];
}

/** By the digest of their config, in its order. */
type NamedImages = ReadonlyMap<Digest, NamedImage>;

/**
 * The images of a store. No name is on two of them, since no podman could read that: where a reference is published in
 * several places, the shortest public name has it, and images that are left without a name are left out.
 */
function namedImages(published: readonly PublishedImage[]): NamedImages {
  const byName = new Map<string, ImageRecord>();
  for (const { record } of published.toSorted(inOrder))
    if (!byName.has(record.name)) byName.set(record.name, record);
  const images = new Map<Digest, NamedImage>();
  const byConfig = groupBy(byName.values(), ({ config }) => config.digest);
  for (const [config, all] of [...byConfig].sort(byKey)) {
    const [first] = all;
    if (first !== undefined) images.set(config, { first, all, layers: layerIdsOf(first) });
  }
  return images;
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** A reference published in a subdirectory has a longer public name than the same one without. */
function inOrder(one: PublishedImage, other: PublishedImage): number {
  const byLength = one.publicName.length - other.publicName.length;
  return byLength !== 0 ? byLength : one.publicName < other.publicName ? -1 : 1;
}

/** Entry of a new image. */
function toImage({ first, all, layers }: NamedImage): StoredImage {
  return {
    id: hexOf(first.config.digest),
    manifest: first.manifest.digest,
    names: all.map(({ name }) => name).sort(),
    topLayer: layers.at(-1),
    created: first.created,
    documents: documentsOf(first, all),
  };
}

/** Podman finds an image by the digest of any manifest or index that it has for it. */
function documentsOf(first: ImageRecord, all: readonly ImageRecord[]): Map<string, StoredDocument> {
  const documents = new Map([
    [first.config.digest as string, first.config],
    [MANIFEST, first.manifest],
  ]);
  for (const { manifest, index } of all) {
    for (const document of index === undefined ? [manifest] : [manifest, index])
      if (document.digest !== first.manifest.digest) documents.set(furtherManifest(document), document);
  }
  return documents;
}

/** The key of the manifest that an image is listed with. */
export const MANIFEST = 'manifest';

export function furtherManifest({ digest }: StoredDocument): string {
  return `${MANIFEST}-${digest}`;
}

/** Entry of an image that was in the store before: its listed documents and those there are `now`. */
function kept(before: StoredImage, now: StoredImage | undefined, taken: Set<string>): StoredImage {
  const documents = new Map(before.documents);
  const listed = before.documents.get(MANIFEST)?.digest;
  for (const [key, document] of now?.documents ?? [])
    if (document.digest !== listed)
      documents.set(key === MANIFEST ? furtherManifest(document) : key, document);
  return { ...before, names: keptNames(before, now?.names ?? [], taken), documents };
}

/**
 * Podman finds an image by a digest where it has a name of the same path: so a path whose tags it has lost stays, with the
 * digest in their place.
 *
 * @param taken names of images that are published; gets those that it has
 */
function keptNames({ names, manifest }: StoredImage, now: readonly string[], taken: Set<string>): string[] {
  const all = [...now];
  const paths = new Set(now.map(pathOf));
  for (const name of names) {
    const path = pathOf(name);
    const pinned = isPinned(name) ? name : `${path}@${manifest}`;
    if (paths.has(path) || taken.has(pinned)) continue;
    paths.add(path);
    taken.add(pinned);
    all.push(pinned);
  }
  return all.sort();
}

/** Layers stay as they were listed: the same diff ID may be several blobs, and any of them will do. */
function layersOf(images: NamedImages, before: Store['layers']): Map<LayerId, StoredLayer> {
  const stored = new Map(before);
  for (const { first, layers } of images.values()) {
    let parent: StoredLayer | undefined;
    for (const [index, id] of layers.entries()) {
      const record = first.layers[index];
      if (record === undefined) throw new Error('each layer has an identifier');
      parent = stored.get(id) ?? { id, parent, record, created: CREATED };
      stored.set(id, parent);
    }
  }
  return inLayerOrder(stored);
}

/** By depth, and by identifier: the lists are the same whatever was published first. */
function inLayerOrder(layers: Map<LayerId, StoredLayer>): Map<LayerId, StoredLayer> {
  const depths = new Map<LayerId, number>();
  for (const { id, parent } of layers.values())
    depths.set(id, parent === undefined ? 0 : (depths.get(parent.id) ?? 0) + 1);
  const depthOf = ([id]: [LayerId, StoredLayer]): number => depths.get(id) ?? 0;
  return new Map([...layers].sort((one, other) => depthOf(one) - depthOf(other) || byKey(one, other)));
}

/** Of layers, as those who share one know of no such time together. */
const CREATED = '1970-01-01T00:00:00.000Z';

/** The identifier of a layer on top of certain others: 64 hexadecimal digits. */
export type LayerId = string;

/** Kept, since most images are in the store before and after. */
const knownIds = new WeakMap<ImageRecord, readonly LayerId[]>();

/** Identifiers of an image's layers, lowest first. */
export function layerIdsOf(record: ImageRecord): readonly LayerId[] {
  const ids = knownIds.get(record) ?? layerIds(record.layers.map(({ diffId }) => diffId));
  knownIds.set(record, ids);
  return ids;
}

/**
 * The identifiers of an image's layers, lowest first, as podman gives them when it pulls the image: one for each chain,
 * so that a layer over different parents is several layers. Not the chain ID of the OCI specification.
 *
 * @see containers/image, storage/storage_dest.go, `commitLayer`
 * @internal
 */
export function layerIds(diffIds: readonly Digest[]): LayerId[] {
  const ids: LayerId[] = [];
  for (const diffId of diffIds) {
    const below = ids.at(-1);
    const diff = hexOf(diffId);
    ids.push(below === undefined ? diff : hash('sha256', `${below}+${diff}`));
  }
  return ids;
}
