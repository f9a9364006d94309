import { manifestPath } from '../layout.ts';
import { hexOf, type Digest } from '../registry/digest.ts';
import { sha256 } from '../registry/manifest/verify.ts';
import type { BytePath } from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import type { StoredDocument } from './image-record.ts';
import { documentPath, type StoreRoot } from './paths.ts';
import type { PublishedImage, StoredImage } from './store.ts';

/** The bytes of documents, by their digest. */
export type Documents = ReadonlyMap<Digest, Buffer>;

export interface DocumentSources {
  readonly view: RepositoryView;
  readonly root: StoreRoot;
  /** What is published as it is to be, so that its bytes are not needed. */
  readonly kept: { readonly image: (id: string) => StoredImage | undefined };
  /** What the batch has. */
  readonly brought: Documents;
}

/** What was found of the documents of images. */
export interface Gathered {
  readonly documents: Documents;
  /** Images of which something is nowhere to be had. */
  readonly lost: ReadonlySet<PublishedImage>;
}

/** Finds all that a store of `images` needs and does not have: with the batch, in the metadata, or in an earlier store. */
export async function gatherDocuments(
  images: readonly PublishedImage[],
  sources: DocumentSources,
): Promise<Gathered> {
  const documents = new Map(sources.brought);
  const lost = new Set<PublishedImage>();
  for (const image of images) {
    for (const { document, path } of placesOf(image, sources.root)) {
      if (documents.has(document.digest) || isKept(image, document, sources.kept)) continue;
      const bytes = await sources.view.read(path());
      if (bytes !== undefined && sha256(bytes) === document.digest) documents.set(document.digest, bytes);
      else lost.add(image);
    }
  }
  return { documents, lost };
}

/** Where a document should be published. */
interface Place {
  readonly document: StoredDocument;
  readonly path: () => BytePath;
}

function placesOf({ publicName, record }: PublishedImage, root: StoreRoot): Place[] {
  const { config, manifest, index } = record;
  const id = hexOf(config.digest);
  const places = [
    { document: config, path: () => documentPath(root, id, config.digest) },
    { document: manifest, path: () => manifestPath(publicName) },
  ];
  if (index === undefined) return places;
  return [...places, { document: index, path: () => documentPath(root, id, `manifest-${index.digest}`) }];
}

function isKept(
  { record }: PublishedImage,
  { digest }: StoredDocument,
  kept: DocumentSources['kept'],
): boolean {
  const image = kept.image(hexOf(record.config.digest));
  return image !== undefined && [...image.documents.values()].some((document) => document.digest === digest);
}
