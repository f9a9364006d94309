import { hexOf, type Digest, sha256 } from '../../../core/oci/digest.ts';
import type { LayerRecord, StoredDocument } from './image-record.ts';
import type { LayerId } from './layer-ids.ts';
import type { Store, StoredImage, StoredLayer } from './store.ts';

/** The books of a store, byte for byte. */
export interface Books {
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
export function booksOf({ images, layers }: Store): Books {
  return {
    images: jsonList(images, imageJson),
    layers: jsonList(layers, layerJson),
  };
}

/**
 * The content of the lock file beside a book. Podman 4 reads the book again at each access unless its lock file has
 * exactly 64 bytes, and every version takes it for changed when they have.
 */
export function lockOf(book: Buffer): Buffer {
  return Buffer.from(hexOf(sha256(book)));
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
  let book = Buffer.allocUnsafe((items.size + 1) * ROOM_FOR_A_LINE_BYTES);
  let written = 0;
  const write = (text: string): void => {
    if (written + text.length > book.length)
      book = Buffer.concat([book.subarray(0, written)], 2 * book.length + text.length);
    written += book.write(text, written, 'latin1');
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
  return book.subarray(0, written);
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

export function compressionOf(number: number): LayerRecord['compression'] {
  return number === COMPRESSION.gzip ? 'gzip' : number === COMPRESSION.zstd ? 'zstd' : 'none';
}
