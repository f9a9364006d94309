import { groupBy } from '../../../core/group-by.ts';
import { manifestPath } from '../../image/layout.ts';
import { hexOf, type Digest, sha256 } from '../../../core/oci/digest.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { documentPath, type StoreRoot } from './paths.ts';
import type { ImageRecord } from './image-record.ts';
import { furtherManifest, MANIFEST, type PublishedImage, type Store, type StoredImage } from './store.ts';

/** The bytes of documents, by their digest. */
export type Documents = ReadonlyMap<Digest, Buffer>;

export interface DocumentSources {
  readonly view: RepositoryView;
  readonly root: StoreRoot;
  /** The published index; files it lists may be wrong or gone. */
  readonly listed: Pick<Store, 'images'>;
  /** Images published as they must be: their bytes are not needed. */
  readonly kept: { readonly image: (id: string) => StoredImage | undefined };
  /** Documents of the batch. */
  readonly brought: Documents;
  readonly published: readonly PublishedImage[];
}

/** Documents found, and lost. */
export interface Gathered {
  readonly documents: Documents;
  /** Of images, by their identifiers, what is nowhere to be had. */
  readonly lost: ReadonlyMap<string, ReadonlySet<Digest>>;
}

/** Finds all that `store` needs and does not have: with the batch, in the store itself, or in the metadata. */
export async function gatherDocuments(store: Store, sources: DocumentSources): Promise<Gathered> {
  const { view, root, kept, brought } = sources;
  const documents = new Map(brought);
  const lost = new Map<string, Set<Digest>>();
  const published = groupBy(sources.published, ({ record }) => record.manifest.digest);
  for (const image of store.images.values()) {
    for (const { key, digest } of missingDocuments(image, kept.image(image.id))) {
      if (documents.has(digest)) continue;
      const keys = [key, ...keysOf(digest, sources.listed.images.get(image.id))];
      const places = [
        ...keys.map((one) => documentPath(root, image.id, one)),
        ...(published.get(digest) ?? []).map(({ publicName }) => manifestPath(publicName)),
      ];
      const bytes = await readDocument(digest, places, view);
      if (bytes !== undefined) documents.set(digest, bytes);
      else lost.set(image.id, (lost.get(image.id) ?? new Set()).add(digest));
    }
  }
  return { documents, lost };
}

/** Documents that `image` has, and `kept`, the same image, has not by the same key. */
export function missingDocuments(
  { documents }: StoredImage,
  kept: StoredImage | undefined,
): { readonly key: string; readonly digest: Digest }[] {
  return [...documents].flatMap(([key, { digest }]) =>
    kept?.documents.get(key)?.digest === digest ? [] : [{ key, digest }],
  );
}

/** Reports whether any document of a published image is lost. */
export function isLost({ record }: PublishedImage, lost: Gathered['lost']): boolean {
  const { config, manifest, index } = record;
  const digests = lost.get(hexOf(config.digest));
  if (digests === undefined) return false;
  return [config, manifest, ...(index === undefined ? [] : [index])].some(({ digest }) =>
    digests.has(digest),
  );
}

/** The documents of an image that a store had listed; `undefined` where one of them is gone. */
export async function storedDocuments(
  { config, manifest, index }: ImageRecord,
  { view, root }: Pick<DocumentSources, 'view' | 'root'>,
): Promise<Documents | undefined> {
  const documents = new Map<Digest, Buffer>();
  for (const document of [config, manifest, ...(index === undefined ? [] : [index])]) {
    const keys = [document.digest, MANIFEST, furtherManifest(document)];
    const places = keys.map((key) => documentPath(root, hexOf(config.digest), key));
    const bytes = await readDocument(document.digest, places, view);
    if (bytes === undefined) return undefined;
    documents.set(document.digest, bytes);
  }
  return documents;
}

async function readDocument(
  digest: Digest,
  places: readonly BytePath[],
  view: RepositoryView,
): Promise<Buffer | undefined> {
  for (const path of places) {
    const bytes = await view.read(path);
    if (bytes !== undefined && sha256(bytes) === digest) return bytes;
  }
  return undefined;
}

function keysOf(digest: Digest, image: StoredImage | undefined): string[] {
  return [...(image?.documents ?? [])]
    .filter(([, document]) => document.digest === digest)
    .map(([key]) => key);
}
