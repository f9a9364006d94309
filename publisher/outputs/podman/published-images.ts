import { mapLimited } from '../../../core/concurrency.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';
import type { ResolvedImage } from '../../image/image.ts';
import { metadataPath } from '../../image/layout.ts';
import { namesWith, READS_AT_A_TIME } from '../../published/find-published.ts';
import { decodeRecord, type ImageRecord, type RefusedRecord } from './image-record.ts';
import { imagesBook, storeRoot } from './paths.ts';
import type { PublishedImage } from './store.ts';

/** In the metadata of an image. */
const PODMAN_FILE = 'podman.json';

/** Where the record of an image is: beside its manifest, so that both go together. */
export function imageRecordPath(publicName: string): BytePath {
  return metadataPath(publicName, PODMAN_FILE);
}

/** Whether podman's form of the image is published, or known not to be possible. */
export async function isInStore(
  view: RepositoryView,
  { publicName, manifest }: ResolvedImage,
): Promise<boolean> {
  const record = await publishedRecord(view, publicName);
  if (record?.config.digest !== manifest.config.digest) return false;
  if ('refused' in record) return true;
  // Podman finds it by the digest of its manifest too, which may be another one for the same config.
  if (record.manifest.digest !== manifest.digest) return false;
  return (await view.kindOf(imagesBook(storeRoot(publicName)))) === 'file';
}

/** All images that a store is to have: those that are published with a record. One that cannot be read does not count. */
export async function publishedImages(view: RepositoryView): Promise<PublishedImage[]> {
  const names = await namesWith(PODMAN_FILE, view);
  const found = await mapLimited(names, READS_AT_A_TIME, async (publicName) => {
    const record = await publishedRecord(view, publicName);
    return record === undefined || 'refused' in record ? [] : [{ publicName, record }];
  });
  return found.flat();
}

async function publishedRecord(
  view: RepositoryView,
  publicName: string,
): Promise<ImageRecord | RefusedRecord | undefined> {
  const bytes = await view.read(imageRecordPath(publicName));
  return bytes === undefined ? undefined : decodeRecord(bytes);
}
