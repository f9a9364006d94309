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
    images: jsonList([...images.values()].map(imageJson)),
    layers: jsonList([...layers.values()].map(layerJson)),
  };
}

/**
 * The content of the lock file beside a book. Podman 4 reads the book again at each access unless its lock file has
 * exactly 64 bytes, and every version takes it for changed when they have.
 */
export function lockOf(book: Buffer): Buffer {
  return Buffer.from(hexOf(sha256(book)));
}

/** An item a line, for people who look into it. All of it is ASCII: digests, times, and names in podman's grammar. */
function jsonList(items: readonly object[]): Buffer {
  const lines = items.map((item, index) => `${index === 0 ? '' : ',\n'}${JSON.stringify(item)}`);
  return Buffer.from(`[${lines.join('')}]\n`, 'latin1');
}

function imageJson({ id, manifest, names, topLayer, created, documents }: StoredImage): object {
  const entries = [...documents];
  const valuesOf = <T>(value: (document: StoredDocument) => T): Record<string, T> =>
    Object.fromEntries(entries.map(([key, document]) => [key, value(document)]));
  return {
    id,
    digest: manifest,
    names,
    ...(topLayer !== undefined && { layer: topLayer }),
    created,
    'big-data-names': entries.map(([key]) => key),
    'big-data-sizes': valuesOf(({ size }) => size),
    'big-data-digests': valuesOf(({ digest }) => digest),
  };
}

function layerJson({ id, parent, record, created }: StoredLayer): object {
  return {
    id,
    ...(parent !== undefined && { parent: parent.id }),
    created,
    'compressed-diff-digest': record.digest,
    'compressed-size': record.size,
    'diff-digest': record.diffId,
    'diff-size': record.diffSize,
    compression: COMPRESSION[record.compression],
  };
}

/** @see containers/storage, pkg/archive, `Compression` */
const COMPRESSION: Readonly<Record<LayerRecord['compression'], number>> = { none: 0, gzip: 2, zstd: 4 };
