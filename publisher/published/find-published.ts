import { z } from 'zod';
import { mapLimited } from '../../core/concurrency.ts';
import { parseIfValid } from '../../core/json.ts';
import type { Platform } from '../../core/oci/platform.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { isPlain } from '../image/image.ts';
import {
  manifestPath,
  MANIFEST_FILE,
  METADATA_FOLDER,
  multiarchName,
  parsePlatformName,
  platformName,
} from '../image/layout.ts';
import type { RepositoryView } from '../publication/view.ts';

/** An image in a repository, for one platform. */
export interface FoundImage {
  /** For linux/amd64 the public name; for another platform the one that linux/amd64 would have. */
  readonly publicName: string;
  readonly platform: Platform;
  /** Digest of its config. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

const ManifestConfig = z.object({ config: z.object({ digest: z.string() }) });
const Manifest = ManifestConfig.extend({
  layers: z.array(z.object({ digest: z.string(), size: z.number() })),
});

/** Each read is a round trip to the file system, which answers many at once. */
export const READS_AT_A_TIME = 32;

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
  const found = await mapLimited(await publishedNames(view), READS_AT_A_TIME, async (name) => {
    const manifest = parseIfValid(Manifest, await view.read(manifestPath(name)));
    if (manifest === undefined) return [];
    const layers = manifest.layers.map(({ digest, size: sizeBytes }) => ({ digest, sizeBytes }));
    return [{ ...parsePlatformName(name), config: manifest.config.digest, layers }];
  });
  return found.flat();
}

/** The names of all images in a repository: as `platformName` gives them, or as DUCC has those that it alone has. */
export async function publishedNames(view: RepositoryView): Promise<string[]> {
  const names = await namesWith(MANIFEST_FILE, view);
  const all = new Set(names);
  return names.filter((name) => !all.has(usualName(name)) || usualName(name) === name);
}

/** DUCC has linux/amd64, and variants that are an architecture's first, in folders of their own. */
function usualName(name: string): string {
  const { platform, publicName } = parsePlatformName(name);
  return platformName(platform, publicName);
}

/**
 * Public names of all images whose metadata has the file `file`. Level by level, since a tree of thousands of folders takes
 * long one after the other.
 */
export async function namesWith(file: string, view: RepositoryView): Promise<string[]> {
  const names: string[] = [];
  let folders: BytePath[] = [METADATA_FOLDER];
  while (folders.length > 0) {
    const below = await mapLimited(folders, READS_AT_A_TIME, async (folder) => {
      const children = await view.list(folder);
      if (children.some(({ name, kind }) => name === file && kind === 'file'))
        names.push(folder.slice(METADATA_FOLDER.length + 1));
      return children.filter(({ kind }) => kind === 'directory').map(({ name }) => `${folder}/${name}`);
    });
    folders = below.flat();
  }
  return names;
}
