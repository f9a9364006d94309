import { hexOf } from '../registry/digest.ts';
import type { LayerRecord } from './image-record.ts';
import type { LayerId } from './layer-ids.ts';
import { SHORT_CHARACTERS, shortNameFamily, shortNames } from './short-names.ts';
import { toImage, type NamedImage, type NamedImages, type Store, type StoredImage } from './store.ts';

/** What a published store has under an identifier. */
export interface PublishedStore {
  readonly image: (id: string) => StoredImage | undefined;
  readonly layer: (id: LayerId) => PublishedLayer | undefined;
}

/** What the files of a layer tell beside what lies below it. */
export interface PublishedLayer {
  readonly record: LayerRecord;
  readonly shortName: string;
}

export const NOTHING_PUBLISHED: PublishedStore = { image: () => undefined, layer: () => undefined };

/**
 * The store of the images `before`, where `store` is that of the images `after`. It answers as the whole store would,
 * but only what a difference between the two can touch is made: a batch changes a few images among thousands.
 */
export function storeBefore(before: NamedImages, after: NamedImages, store: Store): PublishedStore {
  const images = new Map<string, StoredImage | undefined>();
  const touched = new Set<LayerId>();
  for (const config of new Set([...before.keys(), ...after.keys()])) {
    const one = before.get(config);
    const other = after.get(config);
    if (isSame(one, other)) continue;
    images.set(hexOf(config), one === undefined ? undefined : toImage(one));
    for (const id of [...(one?.layers ?? []), ...(other?.layers ?? [])]) touched.add(id);
  }
  const layers = layersBefore(before, withFamilies(touched, store));
  return {
    image: (id) => (images.has(id) ? images.get(id) : store.images.get(id)),
    layer: (id) => (layers.has(id) ? layers.get(id) : store.layers.get(id)),
  };
}

function isSame(one: NamedImage | undefined, other: NamedImage | undefined): boolean {
  return (
    one?.all.length === other?.all.length &&
    one?.all.every((record, at) => record === other?.all[at]) === true
  );
}

/** With all that could take a short name from one of `touched`, or leave it to one. */
function withFamilies(touched: ReadonlySet<LayerId>, store: Store): Set<LayerId> {
  const families = new Set([...touched].map(shortNameFamily));
  const all = new Set(touched);
  for (const { id, shortName } of store.layers.values()) {
    const family = shortName === id ? shortNameFamily(id) : shortName.slice(0, SHORT_CHARACTERS);
    if (families.has(family)) all.add(id);
  }
  return all;
}

/** Of each of `ids` what it was: `undefined` for one that was not there. */
function layersBefore(
  before: NamedImages,
  ids: ReadonlySet<LayerId>,
): Map<LayerId, PublishedLayer | undefined> {
  const records = new Map<LayerId, LayerRecord>();
  for (const { first, layers } of before.values()) {
    for (const [index, record] of first.layers.entries()) {
      const id = layers[index];
      if (id !== undefined && ids.has(id) && !records.has(id)) records.set(id, record);
    }
  }
  const names = shortNames(records.keys());
  return new Map(
    [...ids].map((id) => {
      const record = records.get(id);
      return [id, record && { record, shortName: names.get(id) ?? id }];
    }),
  );
}
