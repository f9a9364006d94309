import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf } from '../../../core/oci/digest.ts';
import type { Blob } from './blob.ts';
import { descriptorOf } from './blob.ts';
import type { ImageStore } from './store.ts';

/**
 * Writes the tags of `repository` as an OCI image layout into the existing directory `folder`: tools name them
 * `oci:FOLDER:TAG`.
 *
 * @see OCI image specification 1.1, image-layout.md
 */
export async function writeLayout(store: ImageStore, repository: string, folder: string): Promise<void> {
  const blobs = join(folder, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  for (const blob of store.contents(repository)) await writeBlob(blob, join(blobs, hexOf(blob.digest)));
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(folder, 'index.json'), JSON.stringify(indexOf(store, repository)));
}

async function writeBlob(blob: Blob, path: string): Promise<void> {
  if ('bytes' in blob) await writeFile(path, blob.bytes);
  else await copyFile(blob.file, path);
}

function indexOf(store: ImageStore, repository: string): object {
  const manifests = store.tags(repository).flatMap((tag) => {
    const manifest = store.manifest(repository, tag);
    if (manifest === undefined) return [];
    return [{ ...descriptorOf(manifest), annotations: { 'org.opencontainers.image.ref.name': tag } }];
  });
  return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
}
