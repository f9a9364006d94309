import { hexOf, type Digest } from '../registry/digest.ts';
import type { ImageRecord, LayerRecord, StoredDocument } from './image-record.ts';
import { layerIds, type LayerId } from './layer-ids.ts';
import { shortNames } from './short-names.ts';

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
  readonly parent: LayerId | undefined;
  readonly record: LayerRecord;
  readonly created: string;
  readonly shortName: string;
  /** Short names of the layers below whose trees are mounted, nearest first. */
  readonly lower: readonly string[];
}

/** All that a store lists. */
export interface Store {
  /** By identifier, in their order. */
  readonly images: ReadonlyMap<string, StoredImage>;
  /** By identifier, parents before children. */
  readonly layers: ReadonlyMap<LayerId, StoredLayer>;
}

/**
 * The store of exactly these images: the same images in any order give the same store. No name is on two images, since
 * no podman could read that: where a reference is published in several places, the shortest public name has it, and
 * images that are left without a name are left out.
 */
export function storeOf(published: readonly PublishedImage[]): Store {
  const images = namedImages(published);
  return {
    images: new Map(images.map(({ first, names, all }) => toImage(first, names, all))),
    layers: layersOf(images),
  };
}

/** One image of the store: all that is published with the same config. */
interface NamedImage {
  /** What the image's layers are taken from: the first by {@link inOrder}. */
  readonly first: ImageRecord;
  readonly all: readonly ImageRecord[];
  readonly names: readonly string[];
}

function namedImages(published: readonly PublishedImage[]): NamedImage[] {
  const taken = new Set<string>();
  const byConfig = new Map<Digest, ImageRecord[]>();
  for (const { record } of published.toSorted(inOrder)) {
    if (taken.has(record.name)) continue;
    taken.add(record.name);
    const same = byConfig.get(record.config.digest);
    if (same === undefined) byConfig.set(record.config.digest, [record]);
    else same.push(record);
  }
  return [...byConfig.keys()].sort().flatMap((config) => {
    const all = byConfig.get(config) ?? [];
    const [first] = all;
    return first === undefined ? [] : [{ first, all, names: all.map(({ name }) => name).sort() }];
  });
}

/** What stands below a folder has a longer public name than the same reference without one. */
function inOrder(one: PublishedImage, other: PublishedImage): number {
  const byLength = one.publicName.length - other.publicName.length;
  return byLength !== 0 ? byLength : one.publicName < other.publicName ? -1 : 1;
}

function toImage(
  first: ImageRecord,
  names: readonly string[],
  all: readonly ImageRecord[],
): [string, StoredImage] {
  const id = hexOf(first.config.digest);
  const topLayer = layerIds(first.layers.map(({ diffId }) => diffId)).at(-1);
  const { digest: manifest } = first.manifest;
  return [id, { id, manifest, names, topLayer, created: first.created, documents: documentsOf(first, all) }];
}

/** Podman finds an image by the digest of any manifest or index that it has for it. */
function documentsOf(first: ImageRecord, all: readonly ImageRecord[]): Map<string, StoredDocument> {
  const documents = new Map([
    [first.config.digest as string, first.config],
    ['manifest', first.manifest],
  ]);
  for (const { manifest, index } of all) {
    for (const document of index === undefined ? [manifest] : [manifest, index])
      if (document.digest !== first.manifest.digest) documents.set(`manifest-${document.digest}`, document);
  }
  return documents;
}

interface LayerDraft {
  readonly id: LayerId;
  readonly parent: LayerDraft | undefined;
  readonly record: LayerRecord;
  readonly created: string;
}

function layersOf(images: readonly NamedImage[]): Map<LayerId, StoredLayer> {
  const drafts = new Map<LayerId, LayerDraft>();
  for (const { first } of images) {
    let parent: LayerDraft | undefined;
    for (const [index, id] of layerIds(first.layers.map(({ diffId }) => diffId)).entries()) {
      const record = first.layers[index];
      if (record === undefined) throw new Error('each layer has an identifier');
      const draft: LayerDraft = drafts.get(id) ?? { id, parent, record, created: first.created };
      drafts.set(id, draft);
      parent = draft;
    }
  }
  const names = shortNames(drafts.keys());
  return new Map([...drafts].map(([id, draft]) => [id, toLayer(draft, names)]));
}

function toLayer(draft: LayerDraft, names: ReadonlyMap<LayerId, string>): StoredLayer {
  const { id, parent, record, created } = draft;
  const nameOf = (layer: LayerId): string => names.get(layer) ?? layer;
  return {
    id,
    parent: parent?.id,
    record,
    created,
    shortName: nameOf(id),
    lower: mountedBelow(draft).map((layer) => nameOf(layer.id)),
  };
}

/**
 * The layers below whose trees are mounted. Kernel overlay refuses the same directory twice (ELOOP), and what is below
 * its topmost occurrence is hidden anyway.
 */
function mountedBelow({ record, parent }: LayerDraft): LayerDraft[] {
  const below: LayerDraft[] = [];
  const trees = new Set([record.digest]);
  for (let layer = parent; layer !== undefined; layer = layer.parent) {
    if (trees.has(layer.record.digest)) continue;
    trees.add(layer.record.digest);
    below.push(layer);
  }
  return below;
}
