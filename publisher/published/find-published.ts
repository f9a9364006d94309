import { z } from 'zod';
import { mapLimited } from '../../core/concurrency.ts';
import { parseIfValid } from '../../core/json.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { isPlain } from '../image/image.ts';
import {
  BY_HAND_FILE,
  KEPT_FOR_FILE,
  manifestPath,
  MANIFEST_FILE,
  METADATA_FOLDER,
  multiarchName,
  parsePlatformName,
  usualName,
} from '../image/layout.ts';
import type { RepositoryView } from '../publication/view.ts';
import { READS_AT_A_TIME, walkFolders } from '../publication/walk.ts';
import { keptForOf, type KeptFor } from './name-notes.ts';

/** An image in a repository, for one platform. */
export interface FoundImage {
  /** For linux/amd64 the public name; for another platform the one that linux/amd64 would have. */
  readonly publicName: string;
  readonly platform: Platform;
  /** Digest of its config. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly { readonly digest: string; readonly sizeBytes: number }[];
  /** Published by hand: no plan takes it back. */
  readonly isByHand?: boolean;
  /** The tag that led to it before, and until when. */
  readonly keptFor?: KeptFor;
}

const ManifestConfig = z.object({ config: z.object({ digest: z.string() }) });
const Manifest = ManifestConfig.extend({
  layers: z.array(z.object({ digest: z.string(), size: z.number() })),
});

/** Digest of the config that is published under the name; `undefined` for no manifest, or one that cannot be read. */
export async function publishedConfig(
  view: RepositoryView,
  { publicName, platform }: Pick<FoundImage, 'publicName' | 'platform'>,
): Promise<string | undefined> {
  // DUCC 2.14 has manifests for linux/amd64 beside those for other platforms.
  const bytes =
    (await view.read(manifestPath(publicName))) ??
    (isPlain(platform) ? await view.read(manifestPath(multiarchName(platform, publicName))) : undefined);
  return parseIfValid(ManifestConfig, bytes)?.config.digest;
}

/** Every published image, from the manifests in the repository. Unreadable manifests are ignored. */
export async function findPublished(view: RepositoryView): Promise<FoundImage[]> {
  const folders = usualOnes(await metadataFolders(view));
  const found = await mapLimited(folders, READS_AT_A_TIME, async (folder) => await imageIn(view, folder));
  return found.filter((image) => image !== undefined);
}

/** The image with that name, as `platformName` gives it; `undefined` for no manifest, or one that cannot be read. */
export async function foundImage(view: RepositoryView, name: string): Promise<FoundImage | undefined> {
  const children = await view.list(`${METADATA_FOLDER}/${name}`);
  return await imageIn(view, { name, files: new Set(children.map((child) => child.name)) });
}

async function imageIn(
  view: RepositoryView,
  { name, files }: MetadataFolder,
): Promise<FoundImage | undefined> {
  const manifest = parseIfValid(Manifest, await view.read(manifestPath(name)));
  if (manifest === undefined) return undefined;
  const layers = manifest.layers.map(({ digest, size: sizeBytes }) => ({ digest, sizeBytes }));
  const keptFor = files.has(KEPT_FOR_FILE) ? await keptForOf(view, name) : undefined;
  const notes = { ...(files.has(BY_HAND_FILE) && { isByHand: true }), ...(keptFor && { keptFor }) };
  return { ...parsePlatformName(name), config: manifest.config.digest, layers, ...notes };
}

/** The names of all images in a repository: as `platformName` gives them, or as DUCC has those that it alone has. */
export async function publishedNames(view: RepositoryView): Promise<string[]> {
  return usualOnes(await metadataFolders(view)).map(({ name }) => name);
}

/** A folder below that of the metadata, by what follows that. */
interface MetadataFolder {
  readonly name: string;
  readonly files: ReadonlySet<string>;
}

function usualOnes(folders: readonly MetadataFolder[]): MetadataFolder[] {
  const images = folders.filter(({ files }) => files.has(MANIFEST_FILE));
  const all = new Set(images.map(({ name }) => name));
  return images.filter(({ name }) => !all.has(usualName(name)) || usualName(name) === name);
}

/** Public names of all images whose metadata has the file `file`. */
export async function namesWith(file: string, view: RepositoryView): Promise<string[]> {
  return (await metadataFolders(view)).filter(({ files }) => files.has(file)).map(({ name }) => name);
}

/** Folders that have files. */
async function metadataFolders(view: RepositoryView): Promise<MetadataFolder[]> {
  const found: MetadataFolder[] = [];
  await walkFolders(view, METADATA_FOLDER, (folder, children) => {
    const files = new Set(children.filter(({ kind }) => kind === 'file').map(({ name }) => name));
    if (files.size > 0) found.push({ name: folder.slice(METADATA_FOLDER.length + 1), files });
    return children.filter(({ kind }) => kind === 'directory');
  });
  return found;
}
