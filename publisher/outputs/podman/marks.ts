import { hexOf } from '../../../core/oci/digest.ts';
import type { ImageRecord } from './image-record.ts';
import { storeRoot, type StoreRoot } from './paths.ts';
import { layerIdsOf, type LayerId } from './store.ts';

const KIND = 'podman';

/** The name of an image of a store among the marks. */
export function imageMark(root: StoreRoot, id: string): string {
  return `${KIND}:${root}/images/${id}`;
}

export function layerMark(root: StoreRoot, id: LayerId): string {
  return `${KIND}:${root}/layers/${id}`;
}

/** Names of all that a published image refers to in its store. */
export function* marksOf(publicName: string, record: ImageRecord): Generator<string> {
  const root = storeRoot(publicName);
  yield imageMark(root, hexOf(record.config.digest));
  for (const id of layerIdsOf(record)) yield layerMark(root, id);
}
