import { mapLimited } from '../../wishlist/concurrency.ts';
import type { BytePath } from '../repository/entry.ts';
import type { RepositoryView } from '../repository/view.ts';
import type { ResolvedImage } from '../image.ts';
import { decodeRecord, type ImageRecord, type RefusedRecord } from './image-record.ts';
import { imagesBook, storeRoot } from './paths.ts';
import type { PublishedImage } from './store.ts';

const METADATA = '.metadata';
const RECORD = 'podman.json';
/** Each is a round trip to the file system, which answers many at once. */
const READS_AT_A_TIME = 32;

/** Where the record of an image is: beside its manifest, so that both go together. */
export function imageRecordPath(publicName: string): BytePath {
  return `${METADATA}/${publicName}/${RECORD}`;
}

/** Whether podman's form of the image is published, or known not to be possible. */
export async function isInStore(
  view: RepositoryView,
  { publicName, manifest }: ResolvedImage,
): Promise<boolean> {
  const record = await publishedRecord(view, publicName);
  if (record?.config.digest !== manifest.config.digest) return false;
  return 'refused' in record || (await view.kindOf(imagesBook(storeRoot(publicName)))) === 'file';
}

/** All images that a store is to have: those that are published with a record. One that cannot be read does not count. */
export async function publishedImages(view: RepositoryView): Promise<PublishedImage[]> {
  const names = await recordedNames(view);
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

/** Level by level, since a tree of thousands of folders takes long one after the other. */
async function recordedNames(view: RepositoryView): Promise<string[]> {
  const names: string[] = [];
  let folders = [METADATA];
  while (folders.length > 0) {
    const below = await mapLimited(folders, READS_AT_A_TIME, async (folder) => {
      const children = await view.list(folder);
      if (children.some(({ name, kind }) => name === RECORD && kind === 'file'))
        names.push(folder.slice(METADATA.length + 1));
      return children.filter(({ kind }) => kind === 'directory').map(({ name }) => `${folder}/${name}`);
    });
    folders = below.flat();
  }
  return names;
}
