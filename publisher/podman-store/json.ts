import { hexOf } from '../registry/digest.ts';
import { sha256 } from '../registry/manifest/verify.ts';
import type { LayerRecord, StoredDocument } from './image-record.ts';
import type { Store, StoredImage, StoredLayer } from './store.ts';

/** The books of a store, byte for byte. */
export interface Books {
  readonly images: Buffer;
  readonly layers: Buffer;
}

/** @see containers/storage, images.go, `Image`, and layers.go, `Layer` */
export function booksOf({ images, layers }: Store): Books {
  return {
    images: jsonList(images.values(), imageJson),
    layers: jsonList(layers.values(), layerJson),
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

/** An item a line, for people who look into it. All of it is ASCII: digests, times, and names in podman's grammar. */
function jsonList<Item>(items: Iterable<Item>, toJson: (item: Item) => string): Buffer {
  const parts: Buffer[] = [];
  let text = '[';
  let lines = 0;
  for (const item of items) {
    text += lines === 0 ? toJson(item) : `,\n${toJson(item)}`;
    if (++lines % LINES_AT_A_TIME !== 0) continue;
    parts.push(Buffer.from(text, 'latin1'));
    text = '';
  }
  parts.push(Buffer.from(`${text}]\n`, 'latin1'));
  return Buffer.concat(parts);
}

function imageJson({ id, manifest, names, topLayer, created, documents }: StoredImage): string {
  const entries = [...documents];
  const valuesOf = <T>(value: (document: StoredDocument) => T): Record<string, T> =>
    Object.fromEntries(entries.map(([key, document]) => [key, value(document)]));
  return JSON.stringify({
    id,
    digest: manifest,
    names,
    ...(topLayer !== undefined && { layer: topLayer }),
    created,
    'big-data-names': entries.map(([key]) => key),
    'big-data-sizes': valuesOf(({ size }) => size),
    'big-data-digests': valuesOf(({ digest }) => digest),
  });
}

/** Put together by hand, since there are tens of thousands: nothing of it has a character that JSON escapes. */
function layerJson({ id, parent, record, created }: StoredLayer): string {
  const { digest, size, diffId, diffSize, compression } = record;
  const below = parent === undefined ? '' : `"parent":"${parent.id}",`;
  return (
    `{"id":"${id}",${below}"created":"${created}",` +
    `"compressed-diff-digest":"${digest}","compressed-size":${size},` +
    `"diff-digest":"${diffId}","diff-size":${diffSize},"compression":${COMPRESSION[compression]}}`
  );
}

/** @see containers/storage, pkg/archive, `Compression` */
const COMPRESSION: Readonly<Record<LayerRecord['compression'], number>> = { none: 0, gzip: 2, zstd: 4 };
