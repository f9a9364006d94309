import { posix } from 'node:path';
import { displayPath, type BytePath } from '../../../core/system/byte-path.ts';
import { metadataFile, type Attributes, type Entry } from '../../publication/entry.ts';
import type { RepositoryView } from '../../publication/view.ts';
import type { PartsSweep, Remark, SweepOptions } from '../parts.ts';
import { imageMark, layerMark } from './marks.ts';
import {
  documentPath,
  imageFolder,
  imagesJsonPath,
  layerFolder,
  layersJsonPath,
  lockPath,
  type StoreRoot,
} from './paths.ts';
import { EMPTY_STORE, type LayerId, type Store, type StoredImage } from './store.ts';
import { lockOf, serializeIndex } from './store-index.ts';

type StoreSweep = SweepOptions & { readonly view: RepositoryView };

/** A store with what nothing means of it. */
interface SweptStore {
  readonly root: StoreRoot;
  /** `undefined`: nothing is known of it. */
  readonly store: Store | undefined;
  /** Layers that are not listed. */
  readonly leftovers: ReadonlySet<LayerId>;
  /** By the names that they are marked with. */
  readonly unreferenced: ReadonlyMap<string, unknown>;
}

/** Takes images away, and layers that nothing which stays is over: those on top first. */
export async function sweepStore(
  { root, store = EMPTY_STORE, leftovers, unreferenced }: SweptStore,
  due: ReadonlySet<string>,
  options: StoreSweep,
): Promise<PartsSweep> {
  const swept: string[] = [];
  const outdated: BytePath[] = [];
  const strangers: Remark[] = [];
  const images = new Map(store.images);
  const layers = new Map(store.layers);
  const take = async (mark: string, folder: BytePath, known: ReadonlySet<string>): Promise<boolean> => {
    if (!due.has(mark) || !unreferenced.has(mark)) return false;
    const stranger = await strangerIn(options.view, folder, known);
    if (stranger !== undefined) strangers.push(stranger);
    if (stranger !== undefined || !options.take([folder])) return false;
    swept.push(mark);
    outdated.push(folder);
    return true;
  };
  for (const image of store.images.values())
    if (await take(imageMark(root, image.id), imageFolder(root, image.id), filesOf(root, image)))
      images.delete(image.id);
  const over = usesOf({ images, layers });
  for (const { id, parent } of [...store.layers.values()].toReversed()) {
    if ((over.get(id) ?? 0) > 0) continue;
    if (!(await take(layerMark(root, id), layerFolder(root, id), LAYER_FILES))) continue;
    layers.delete(id);
    if (parent !== undefined) over.set(parent.id, (over.get(parent.id) ?? 0) - 1);
  }
  const changesLists = swept.length > 0;
  for (const id of leftovers) await take(layerMark(root, id), layerFolder(root, id), LAYER_FILES);
  return { swept, outdated, strangers, names: changesLists ? lists(root, { images, layers }, options) : [] };
}

/** By layer, how many images and layers are directly over it. */
function usesOf({ images, layers }: Store): Map<LayerId, number> {
  const uses = new Map<LayerId, number>();
  const count = (id: LayerId | undefined): void => {
    if (id !== undefined) uses.set(id, (uses.get(id) ?? 0) + 1);
  };
  for (const { topLayer } of images.values()) count(topLayer);
  for (const { parent } of layers.values()) count(parent?.id);
  return uses;
}

/** Everything in the folder of a layer. */
export const LAYER_FILES: ReadonlySet<string> = new Set(['diff', 'link', 'lower', 'merged', 'empty']);

function filesOf(root: StoreRoot, { id, documents }: StoredImage): Set<string> {
  return new Set([...documents.keys()].map((key) => posix.basename(documentPath(root, id, key))));
}

async function strangerIn(
  view: RepositoryView,
  folder: BytePath,
  known: ReadonlySet<string>,
): Promise<Remark | undefined> {
  for (const { name, kind } of await view.list(folder)) {
    const path = `${folder}/${name}`;
    const isEmpty = kind !== 'directory' || (await view.list(path)).length === 0;
    if (!known.has(name) || !isEmpty)
      return {
        path: displayPath(path),
        why: 'somebody put it into a store, and what it is in stays with it',
      };
  }
  return undefined;
}

/** Layers last, as images name them: in between, podman sees layers that no image has. */
function lists(root: StoreRoot, store: Store, { attributes }: { readonly attributes: Attributes }): Entry[] {
  const { images, layers } = serializeIndex(store);
  const files = (path: BytePath, bytes: Buffer): Entry[] => [
    metadataFile(path, bytes, attributes),
    metadataFile(lockPath(path), lockOf(bytes), attributes),
  ];
  return [...files(imagesJsonPath(root), images), ...files(layersJsonPath(root), layers)];
}
