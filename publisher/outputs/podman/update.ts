import { hexOf } from '../../../core/oci/digest.ts';
import type { Entry } from '../../publication/entry.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { gatherDocuments, isLost, type Documents, type DocumentSources } from './documents.ts';
import type { ImageRecord } from './image-record.ts';
import {
  type LayerId,
  EMPTY_STORE,
  mountedBelow,
  storeOf,
  type PublishedImage,
  type Store,
  type StoredImage,
  type StoredLayer,
} from './store.ts';
import { StoreEntries, type StoreContext } from './store-entries.ts';
import {
  imagesFolder,
  layerFolder,
  layersFolder,
  linksFolder,
  stampPath,
  type StoreRoot,
  SHORT_CHARACTERS,
  ShortNames,
  shortNameFamily,
} from './paths.ts';
import { publishedStore } from './store-index.ts';

/** Changes to a store. */
export interface StoreUpdate {
  /** Folders that all else is in. */
  readonly folders: readonly BytePath[];
  /** Entries that the index will list, below those folders; made anew each time, since a new store has all layers. */
  readonly trees: () => Iterable<Entry>;
  /** Index files, which make the changes visible. */
  readonly names: readonly Entry[];
  /** Paths that must be gone when the new index is there. */
  readonly outdated: readonly BytePath[];
  /** Images that were in the store and cannot be any more, since something of them is lost. */
  readonly lost: readonly PublishedImage[];
  /** Images that are not in the store, since another image has their name there. */
  readonly nameless: readonly PublishedImage[];
}

/** Additions to a store. */
export interface StoreChange {
  readonly root: StoreRoot;
  /** Every image published for it. */
  readonly after: readonly PublishedImage[];
  /** Documents of the images that are new. */
  readonly documents: Documents;
  /** Images whose parts are to be written again, also where they are there. */
  readonly again: readonly PublishedImage[];
}

const HEXADECIMAL = /^[0-9a-f]{64}$/;

/**
 * Finds out what must change in the store at `root` so that the images `after` are in it. Nothing leaves it: what no
 * reference means any more stays, without a tag. A store for other clients, or of another program, is made anew; of the
 * latter, files that are nobody's any more stay where they are, listed no longer.
 */
export async function updateOf(change: StoreChange, parts: StoreContext): Promise<StoreUpdate> {
  const { view } = parts;
  const { root, after, again } = change;
  const stamp = stampOf(parts);
  const isOurs = (await view.read(stampPath(root)))?.equals(stamp) ?? false;
  const there = await publishedParts(view, root);
  const listed = withImages((await publishedStore(view, root)) ?? EMPTY_STORE, (id) => there.images.has(id));
  const kept = reusableParts(isOurs ? listed : EMPTY_STORE, there, storeOf(again));
  const { store, documents, left } = await gather(change, { listed, kept, view });
  const stay = new Set(left);
  const fresh = kept.layersMissing(store);
  const names = await shortNamesOf(fresh, new ShortNames({ view, root, links: there.links }));
  const make = new StoreEntries(root, parts);
  const folders = [root, layersFolder(root), linksFolder(root), imagesFolder(root)];
  const markers = await make.missingMarkers(folders);
  return {
    folders,
    trees: function* () {
      yield* markers;
      for (const layer of fresh) yield* make.layer(layer, names);
      for (const image of store.images.values()) yield* make.image(image, kept.image(image.id), documents);
    },
    names: [...(await make.index(store)), ...(isOurs ? [] : [make.file(stampPath(root), stamp)])],
    outdated: await wrongLowers(view, root, fresh),
    lost: after.filter((image) => !stay.has(image)),
    nameless: left.filter(({ record }) => !isNamed(record, store)),
  };
}

/** Tells by whom, and for which clients, the store was made. */
function stampOf({ clientRoot }: StoreContext): Buffer {
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

/** The store with all that it needs, which is not everything where something is lost; `left` are the images that stay. */
async function gather(
  { root, after, documents: brought }: StoreChange,
  known: Pick<DocumentSources, 'kept' | 'view'> & { listed: Store },
): Promise<{ store: Store; documents: Documents; left: readonly PublishedImage[] }> {
  const { kept, view } = known;
  let { listed } = known;
  let left = after;
  for (;;) {
    const store = storeOf(left, listed);
    const sources = { view, root, kept, brought, listed: known.listed, published: left };
    const { documents, lost } = await gatherDocuments(store, sources);
    if (lost.size === 0) return { store, documents, left };
    left = left.filter((image) => !isLost(image, lost));
    listed = withImages(listed, (id) => !lost.has(id));
  }
}

/** The store with fewer images: podman could list nothing where the documents of one of them are missing. */
function withImages({ images, layers }: Store, isWhole: (id: string) => boolean): Store {
  return { layers, images: new Map([...images].filter(([id]) => isWhole(id))) };
}

function isNamed({ config, name }: ImageRecord, store: Store): boolean {
  return store.images.get(hexOf(config.digest))?.names.includes(name) === true;
}

/** The short names of `layers` and of all below them. */
async function shortNamesOf(
  layers: readonly StoredLayer[],
  names: ShortNames,
): Promise<Map<LayerId, string>> {
  const found = new Map<LayerId, string>();
  for (const layer of layers) {
    for (let one: StoredLayer | undefined = layer; one !== undefined; one = one.parent) {
      if (found.has(one.id)) break;
      found.set(one.id, await names.of(one.id));
    }
  }
  return found;
}

/** Parts of a published store that stay as they are: still there, and not to be written again. */
function reusableParts(published: Store, there: PublishedParts, again: Store) {
  const families = new Set([...there.links].map((name) => name.slice(0, SHORT_CHARACTERS)));
  /** As far as can be told without looking at each: whether there are names that begin as its own does. */
  const hasName = (id: LayerId): boolean => families.has(shortNameFamily(id)) || there.links.has(id);
  return {
    image: (id: string): StoredImage | undefined =>
      there.images.has(id) && !again.images.has(id) ? published.images.get(id) : undefined,

    /** Layers of `store` whose files are not published. */
    layersMissing: (store: Store): StoredLayer[] =>
      [...store.layers.values()].filter(
        ({ id }) =>
          !published.layers.has(id) || !there.layers.has(id) || !hasName(id) || again.layers.has(id),
      ),
  };
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
