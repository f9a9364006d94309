import { hexOf, type Digest, sha256 } from '../../../core/oci/digest.ts';
import type { LayerRecord, StoredDocument } from './image-record.ts';
import type { LayerId, Store, StoredImage, StoredLayer } from './store.ts';
import { z } from 'zod';
import { parseIfValid } from '../../../core/json.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { imagesJsonPath, layersJsonPath, lockPath, type StoreRoot } from './paths.ts';

/** The index files of a store, byte for byte. */
export interface StoreIndex {
  readonly images: Buffer;
  readonly layers: Buffer;
}

/** @see containers/storage, images.go, `Image` */
export interface ImageJson {
  readonly id: string;
  readonly digest: Digest;
  readonly names: readonly string[];
  readonly layer?: LayerId;
  readonly created: string;
  readonly 'big-data-names': readonly string[];
  readonly 'big-data-sizes': Readonly<Record<string, number>>;
  readonly 'big-data-digests': Readonly<Record<string, Digest>>;
}

/** @see containers/storage, layers.go, `Layer` */
export interface LayerJson {
  readonly id: LayerId;
  readonly parent?: LayerId;
  readonly created: string;
  readonly 'compressed-diff-digest': Digest;
  readonly 'compressed-size': number;
  readonly 'diff-digest': Digest;
  readonly 'diff-size': number;
  readonly compression: number;
}

/** Lists of {@link ImageJson} and {@link LayerJson}. */
export function serializeIndex({ images, layers }: Store): StoreIndex {
  return { images: jsonList(images, imageJson), layers: jsonList(layers, layerJson) };
}

/**
 * Content of the lock file beside an index file. Podman 4 reads the index again at each access unless its lock file has
 * exactly 64 bytes, and every version takes it for changed when they have.
 */
export function lockOf(bytes: Buffer): Buffer {
  return Buffer.from(hexOf(sha256(bytes)));
}

/** Lines that become bytes together: few enough for their text to be short-lived. */
const LINES_AT_A_TIME = 64;
/** More than most lines have. What is never written to takes no memory, and what is copied takes it twice. */
const ROOM_FOR_A_LINE_BYTES = 512;

/** An item a line, for people who look into it. All of it is ASCII: digests, times, and names in podman's grammar. */
function jsonList<Item>(
  items: { readonly size: number; values(): Iterable<Item> },
  toJson: (item: Item) => string,
): Buffer {
  let bytes = Buffer.allocUnsafe((items.size + 1) * ROOM_FOR_A_LINE_BYTES);
  let written = 0;
  const write = (text: string): void => {
    if (written + text.length > bytes.length)
      bytes = Buffer.concat([bytes.subarray(0, written)], 2 * bytes.length + text.length);
    written += bytes.write(text, written, 'latin1');
  };
  let text = '[';
  let lines = 0;
  for (const item of items.values()) {
    text += lines === 0 ? toJson(item) : `,\n${toJson(item)}`;
    if (++lines % LINES_AT_A_TIME !== 0) continue;
    write(text);
    text = '';
  }
  write(`${text}]\n`);
  return bytes.subarray(0, written);
}

// Both are put together by hand, since there are tens of thousands: nothing in them has a character that JSON escapes.

function imageJson({ id, manifest, names, topLayer, created, documents }: StoredImage): string {
  const entries = [...documents];
  const valuesOf = (value: (document: StoredDocument) => string): string =>
    entries.map(([key, document]) => `"${key}":${value(document)}`).join(',');
  const layer = topLayer === undefined ? '' : `"layer":"${topLayer}",`;
  return (
    `{"id":"${id}","digest":"${manifest}","names":[${quoted(names)}],${layer}"created":"${created}",` +
    `"big-data-names":[${quoted([...documents.keys()])}],` +
    `"big-data-sizes":{${valuesOf(({ size }) => `${size}`)}},` +
    `"big-data-digests":{${valuesOf(({ digest }) => `"${digest}"`)}}}`
  );
}

function layerJson({ id, parent, record, created }: StoredLayer): string {
  const { digest, size, diffId, diffSize, compression } = record;
  const below = parent === undefined ? '' : `"parent":"${parent.id}",`;
  return (
    `{"id":"${id}",${below}"created":"${created}",` +
    `"compressed-diff-digest":"${digest}","compressed-size":${size},` +
    `"diff-digest":"${diffId}","diff-size":${diffSize},"compression":${COMPRESSION[compression]}}`
  );
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(',');
}

/** @see containers/storage, pkg/archive, `Compression` */
const COMPRESSION: Readonly<Record<LayerRecord['compression'], number>> = { none: 0, gzip: 2, zstd: 4 };

function compressionOf(number: number): LayerRecord['compression'] {
  return number === COMPRESSION.gzip ? 'gzip' : number === COMPRESSION.zstd ? 'zstd' : 'none';
}

/**
 * The store as its published index lists it. Only files that are byte for byte as unpackd wrote them count, which their lock
 * files vouch for: one wrong value that somebody else wrote would break the store for everybody, for ever.
 *
 * @returns `undefined` where there are none, or others
 */
export async function publishedStore(view: RepositoryView, root: StoreRoot): Promise<Store | undefined> {
  const images = await publishedList(view, imagesJsonPath(root), Images);
  const layers = await publishedList(view, layersJsonPath(root), Layers);
  if (images === undefined || layers === undefined) return undefined;
  return {
    images: new Map(images.map((image) => [image.id, toImage(image)])),
    layers: toLayers(layers),
  };
}

// Not looked into: their locks vouch that they are what we wrote.
const Images = z.custom<readonly ImageJson[]>(Array.isArray);
const Layers = z.custom<readonly LayerJson[]>(Array.isArray);

async function publishedList<List>(
  view: RepositoryView,
  path: BytePath,
  schema: z.ZodType<List>,
): Promise<List | undefined> {
  const bytes = await view.read(path);
  if (bytes === undefined || (await view.read(lockPath(path)))?.equals(lockOf(bytes)) !== true)
    return undefined;
  return parseIfValid(schema, bytes);
}

function toImage(image: ImageJson): StoredImage {
  const documents = new Map<string, StoredDocument>();
  for (const key of image['big-data-names']) {
    const digest = image['big-data-digests'][key];
    const size = image['big-data-sizes'][key];
    if (digest !== undefined && size !== undefined) documents.set(key, { digest, size });
  }
  const { id, digest: manifest, names, layer: topLayer, created } = image;
  return { id, manifest, names, topLayer, created, documents };
}

function toLayers(listed: readonly LayerJson[]): Map<LayerId, StoredLayer> {
  const layers = new Map<LayerId, StoredLayer>();
  for (const layer of listed) {
    const record = {
      digest: layer['compressed-diff-digest'],
      size: layer['compressed-size'],
      diffId: layer['diff-digest'],
      diffSize: layer['diff-size'],
      compression: compressionOf(layer.compression),
    };
    const parent = layer.parent === undefined ? undefined : layers.get(layer.parent);
    layers.set(layer.id, { id: layer.id, parent, record, created: layer.created });
  }
  return layers;
}
