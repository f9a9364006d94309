import { z } from 'zod';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';
import type { StoredDocument } from './image-record.ts';
import { compressionOf, lockOf, type ImageJson, type LayerJson } from './json.ts';
import type { LayerId } from './layer-ids.ts';
import { imagesBook, layersBook, lockPath, type StoreRoot } from './paths.ts';
import type { Store, StoredImage, StoredLayer } from './store.ts';

/**
 * The store as its published books list it. Only books that are byte for byte as unpackd wrote them count, which their lock
 * files vouch for: one wrong value that somebody else wrote would break the store for everybody, for ever.
 *
 * @returns `undefined` where there are none, or others
 */
export async function publishedStore(view: RepositoryView, root: StoreRoot): Promise<Store | undefined> {
  const images = await publishedBook(view, imagesBook(root), Images);
  const layers = await publishedBook(view, layersBook(root), Layers);
  if (images === undefined || layers === undefined) return undefined;
  return {
    images: new Map(images.map((image) => [image.id, toImage(image)])),
    layers: toLayers(layers),
  };
}

// Not looked into: their locks vouch that they are what we wrote.
const Images = z.custom<readonly ImageJson[]>((value) => Array.isArray(value));
const Layers = z.custom<readonly LayerJson[]>((value) => Array.isArray(value));

async function publishedBook<Book>(
  view: RepositoryView,
  path: BytePath,
  schema: z.ZodType<Book>,
): Promise<Book | undefined> {
  const bytes = await view.read(path);
  if (bytes === undefined || (await view.read(lockPath(path)))?.equals(lockOf(bytes)) !== true)
    return undefined;
  return schema.parse(JSON.parse(bytes.toString('latin1')));
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
