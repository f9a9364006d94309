import { posix } from 'node:path';
import { mapLimited } from '../../../core/concurrency.ts';
import { OUTPUT_FORMS } from '../../../core/outputs.ts';
import { hexOf, isDigest } from '../../../core/oci/digest.ts';
import { displayPath } from '../../../core/system/byte-path.ts';
import { MULTIARCH_FOLDER } from '../../image/layout.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { READS_AT_A_TIME } from '../../publication/walk.ts';
import { treesNamedIn } from '../named-trees.ts';
import type { TreeName } from '../output.ts';
import type { OutputParts, PartsInput, PartsSweep, Remark } from '../parts.ts';
import { imageMark, layerMark } from './marks.ts';
import { decodeRecord, imageRecordPath, PODMAN_FILE, type ImageRecord } from './image-record.ts';
import {
  imageFolder,
  imagesFolder,
  layerFolder,
  layersFolder,
  layersJsonPath,
  linkPath,
  linksFolder,
  storeRoot,
  type StoreRoot,
} from './paths.ts';
import { EMPTY_STORE, layerIdsOf, type LayerId, type Store, type StoredLayer } from './store.ts';
import { publishedStore } from './store-index.ts';
import { LAYER_FILES, sweepStore } from './sweep.ts';

/**
 * What stores have of images that no record means any more. It stays in their lists, and so do the trees of its layers, until
 * it was marked for long enough: clients have containers on it. Then lists and folders lose it together.
 *
 * A short name in `l/` stays for ever, as a link to nothing. Names are so short that somebody could make a layer which
 * gets the name of another: a container that is older than a sweep must not start with what a stranger put there.
 */
export async function podmanParts(input: PartsInput): Promise<OutputParts> {
  const { view } = input;
  const records = await recordsOf(input);
  const stores: StoreParts[] = [];
  for (const root of await storeRoots(view)) stores.push(await partsOf(root, records, input));
  return {
    whole: stores.some(({ isOpaque }) => isOpaque) ? ['layers'] : [],
    references: stores.flatMap(({ references }) => references),
    unreferenced: new Map(stores.flatMap(({ unreferenced }) => [...unreferenced])),
    kept: stores.flatMap(({ kept }) => kept),
    foreign: stores.flatMap(({ foreign }) => foreign),
    sweep: async (due, options) => {
      const swept: PartsSweep[] = [];
      for (const store of stores) swept.push(await sweepStore(store, due, { ...options, view }));
      return {
        swept: swept.flatMap((one) => one.swept),
        names: swept.flatMap((one) => one.names),
        outdated: swept.flatMap((one) => one.outdated),
        strangers: swept.flatMap((one) => one.strangers),
      };
    },
  };
}

/** The parts of one store. */
interface StoreParts {
  readonly root: StoreRoot;
  /** `undefined`: nothing is known of it. */
  readonly store: Store | undefined;
  /** Layers that have all that a layer has, and are not listed: of the program that had the store before. */
  readonly leftovers: ReadonlySet<LayerId>;
  readonly references: TreeName[];
  readonly unreferenced: Map<string, readonly TreeName[]>;
  readonly kept: Remark[];
  readonly foreign: Remark[];
  /** It may lead to any layer. */
  isOpaque: boolean;
}

/** By store: records of published images; `undefined` for one that cannot be read. */
type Records = ReadonlyMap<StoreRoot, ReadonlyMap<string, ImageRecord | undefined>>;

async function recordsOf({ view, namesWith }: PartsInput): Promise<Records> {
  const records = new Map<StoreRoot, Map<string, ImageRecord | undefined>>();
  await mapLimited(namesWith(PODMAN_FILE), READS_AT_A_TIME, async (name) => {
    const bytes = await view.read(imageRecordPath(name));
    const record = bytes && decodeRecord(bytes);
    if (record !== undefined && 'refused' in record) return;
    const ofStore = records.get(storeRoot(name)) ?? new Map<string, ImageRecord | undefined>();
    records.set(storeRoot(name), ofStore.set(name, record));
  });
  return records;
}

/** Everything that is called like a store, whatever it is. */
async function storeRoots(view: RepositoryView): Promise<StoreRoot[]> {
  const { folder } = OUTPUT_FORMS.podman;
  const platforms = (await view.list(MULTIARCH_FOLDER)).filter(({ kind }) => kind === 'directory');
  const roots = [folder, ...platforms.map(({ name }) => `${MULTIARCH_FOLDER}/${name}/${folder}`)];
  const found: StoreRoot[] = [];
  for (const root of roots) if ((await view.kindOf(root)) !== undefined) found.push(root);
  return found;
}

async function partsOf(root: StoreRoot, records: Records, input: PartsInput): Promise<StoreParts> {
  const parts: StoreParts = {
    root,
    store: undefined,
    leftovers: new Set(),
    references: [],
    unreferenced: new Map(),
    kept: [],
    foreign: [],
    isOpaque: false,
  };
  const { view } = input;
  for (const folder of [root, layersFolder(root), imagesFolder(root), posix.dirname(layersJsonPath(root))]) {
    const kind = await view.kindOf(folder);
    if (kind === undefined || kind === 'directory') continue;
    parts.isOpaque = true;
    parts.kept.push({ path: folder, why: 'it is no folder of a store, and may lead to any layer' });
    return parts;
  }
  const leads = await readDiffs(parts, view);
  const store = await soundStore(root, view);
  const ofStore = records.get(root) ?? new Map<string, ImageRecord | undefined>();
  const unreadable = [...ofStore].find(([, record]) => record === undefined);
  if (store === undefined)
    parts.kept.push({ path: root, why: 'it has no lists as unpackd writes them: nothing of it goes' });
  if (unreadable !== undefined)
    parts.kept.push({ path: displayPath(imageRecordPath(unreadable[0])), why: 'it cannot be read' });
  const meant = await meantIn(root, ofStore.values(), input);
  const isMeant = (id: string): boolean => unreadable !== undefined || meant.has(id);
  const foreign = store === undefined ? [] : await unlistedImages(root, store, view);
  const leftovers = store === undefined ? [] : await unlistedLayers(root, { store, leads }, view);
  return judged({ ...parts, store, foreign, leftovers: new Set(leftovers) }, leads, isMeant);
}

/** Layers that nobody can find in the list, and that containers of a time may have in which it was another program's. */
async function unlistedLayers(
  root: StoreRoot,
  { store, leads }: { readonly store: Store; readonly leads: Leads },
  view: RepositoryView,
): Promise<LayerId[]> {
  const unlisted = [...leads].filter(
    ([id, trees]) => !store.layers.has(id) && HEX.test(id) && trees.length > 0,
  );
  const found = await mapLimited(unlisted, READS_AT_A_TIME, async ([id]) => {
    const names = (await view.list(layerFolder(root, id))).map(({ name }) => name);
    return names.includes('link') && names.every((name) => LAYER_FILES.has(name)) ? [id] : [];
  });
  return found.flat();
}

/** Folders of images that podman cannot find; nobody knows who wants them. */
async function unlistedImages(root: StoreRoot, { images }: Store, view: RepositoryView): Promise<Remark[]> {
  const folders = (await view.list(imagesFolder(root))).filter(({ kind }) => kind === 'directory');
  return folders
    .filter(({ name }) => !images.has(name))
    .map(({ name }) => ({
      path: displayPath(imageFolder(root, name)),
      why: 'the list of images has no such image',
    }));
}

/** Trees that the `diff` of each layer's folder leads to. */
async function readDiffs(parts: StoreParts, view: RepositoryView): Promise<Map<LayerId, TreeName[]>> {
  const { root } = parts;
  const leads = new Map<LayerId, TreeName[]>();
  const children = (await view.list(layersFolder(root))).filter(({ name }) => name !== 'l');
  await mapLimited(children, READS_AT_A_TIME, async ({ name, kind }) => {
    const folder = layerFolder(root, name);
    if (kind === 'symlink') {
      parts.isOpaque = true;
      parts.kept.push({ path: displayPath(folder), why: 'it is a link, and may lead to any layer' });
    }
    if (kind !== 'directory') return;
    const target = (await view.readLink(`${folder}/diff`)) ?? '';
    const trees = treesNamedIn(target);
    leads.set(name, trees.length > 0 ? trees : treesNamedIn(posix.normalize(target)));
  });
  return leads;
}

const HEX = /^[0-9a-f]{64}$/;

/** The listed store; `undefined` where there is none, or its lists are not what unpackd writes. */
async function soundStore(root: StoreRoot, view: RepositoryView): Promise<Store | undefined> {
  const store = await publishedStore(view, root);
  const isSound =
    [...(store?.images.keys() ?? [])].every((id) => HEX.test(id)) &&
    [...(store?.layers.values() ?? [])].every(({ id, record }) => HEX.test(id) && isDigest(record.digest));
  return isSound ? store : undefined;
}

/** Identifiers of images and layers that records mean, or links from elsewhere. */
async function meantIn(
  root: StoreRoot,
  records: Iterable<ImageRecord | undefined>,
  { view, linkTargets }: PartsInput,
): Promise<Set<string>> {
  const meant = new Set<string>();
  for (const record of records) {
    if (record === undefined) continue;
    meant.add(hexOf(record.config.digest));
    for (const id of layerIdsOf(record)) meant.add(id);
  }
  for (const target of linkTargets) {
    if (!target.startsWith(`${root}/`)) continue;
    const [, short] = target.split(`${linksFolder(root)}/`);
    const further =
      short === undefined ? '' : ((await view.readLink(linkPath(root, short.split('/')[0] ?? ''))) ?? '');
    for (const component of [...target.split('/'), ...further.split('/')])
      if (HEX.test(component)) meant.add(component);
  }
  return meant;
}

type Leads = ReadonlyMap<LayerId, readonly TreeName[]>;

/** Tells what is meant from what is not, with the trees of both. */
function judged(parts: StoreParts, leads: Leads, isMeant: (id: string) => boolean): StoreParts {
  judgeListed(parts, leads, isMeant);
  judgeUnlisted(parts, leads, isMeant);
  return parts;
}

function judgeListed(parts: StoreParts, leads: Leads, isMeant: (id: string) => boolean): void {
  const { root, store = EMPTY_STORE, references, unreferenced } = parts;
  const needed = neededLayers(store, isMeant);
  for (const id of store.images.keys()) if (!isMeant(id)) unreferenced.set(imageMark(root, id), []);
  for (const { id, record } of store.layers.values()) {
    const listed: TreeName = { kind: 'layers', hex: hexOf(record.digest) };
    const others = (leads.get(id) ?? []).filter(({ hex }) => hex !== listed.hex);
    const trees = [listed, ...others];
    if (!needed.has(id)) unreferenced.set(layerMark(root, id), trees);
    else for (const tree of trees) references.push(tree);
  }
}

function judgeUnlisted(parts: StoreParts, leads: Leads, isMeant: (id: string) => boolean): void {
  const { root, store, leftovers, references, unreferenced, foreign } = parts;
  for (const [id, trees] of leads) {
    if (store?.layers.has(id) === true) continue;
    if (leftovers.has(id) && !isMeant(id)) {
      unreferenced.set(layerMark(root, id), trees);
      continue;
    }
    for (const tree of trees) references.push(tree);
    if (store !== undefined)
      foreign.push({ path: displayPath(layerFolder(root, id)), why: 'the list of layers has no such layer' });
  }
}

/** Layers that are meant, or that one which is, or an image, is over. */
function neededLayers({ images, layers }: Store, isMeant: (id: string) => boolean): Set<LayerId> {
  const needed = new Set<LayerId>();
  const need = (layer: StoredLayer | undefined): void => {
    for (let one = layer; one !== undefined && !needed.has(one.id); one = one.parent) needed.add(one.id);
  };
  for (const { id, topLayer } of images.values())
    if (topLayer !== undefined && isMeant(id)) need(layers.get(topLayer));
  for (const layer of layers.values()) if (isMeant(layer.id)) need(layer);
  return needed;
}
