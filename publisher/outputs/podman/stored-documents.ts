import { hexOf, sha256, type Digest } from '../../../core/oci/digest.ts';
import type { ResolvedImage } from '../../image/image.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { furtherManifest, MANIFEST } from './store.ts';
import { publishedRecord } from './image-record.ts';
import { documentPath, storeRoot } from './paths.ts';

/** The config of a published image, where the podman store has it. */
export async function storedConfig(
  view: RepositoryView,
  { publicName, manifest }: Pick<ResolvedImage, 'publicName' | 'manifest'>,
): Promise<Buffer | undefined> {
  const { digest } = manifest.config;
  return await document(view, publicName, { config: digest, key: digest, digest });
}

/** The index that led to a published image, as its record for podman says; its bytes where the store has them. */
export async function storedIndex(
  view: RepositoryView,
  { publicName, manifest }: Pick<ResolvedImage, 'publicName' | 'manifest'>,
): Promise<{ readonly digest: Digest; readonly bytes: Buffer | undefined } | undefined> {
  const record = await publishedRecord(view, publicName);
  if (record === undefined || 'refused' in record || record.index === undefined) return undefined;
  const { digest } = record.index;
  const place = { config: manifest.config.digest, key: furtherManifest(record.index), digest };
  return { digest, bytes: await document(view, publicName, place) };
}

/** The manifest that an image was published with, as its record for podman says; its bytes where the store has them. */
export async function storedManifest(
  view: RepositoryView,
  publicName: string,
): Promise<
  { readonly config: Digest; readonly digest: Digest; readonly bytes: Buffer | undefined } | undefined
> {
  const record = await publishedRecord(view, publicName);
  if (record === undefined || 'refused' in record) return undefined;
  const config = record.config.digest;
  const { digest } = record.manifest;
  for (const key of [MANIFEST, furtherManifest(record.manifest)]) {
    const bytes = await document(view, publicName, { config, key, digest });
    if (bytes !== undefined) return { config, digest, bytes };
  }
  return { config, digest, bytes: undefined };
}

async function document(
  view: RepositoryView,
  publicName: string,
  { config, key, digest }: { readonly config: Digest; readonly key: string; readonly digest: Digest },
): Promise<Buffer | undefined> {
  const bytes = await view.read(documentPath(storeRoot(publicName), hexOf(config), key));
  return bytes !== undefined && sha256(bytes) === digest ? bytes : undefined;
}
