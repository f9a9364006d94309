import { z } from 'zod';
import { mapLimited } from '../../core/concurrency.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { manifestPath, MANIFEST_FILE, parsePlatformName, platformName, METADATA_FOLDER } from './layout.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { parseIfValid } from '../../core/json.ts';

/** An image that is in a repository, for one platform. */
export interface FoundImage {
  /** For linux/amd64 the public name; for another platform the one that linux/amd64 would have. */
  readonly publicName: string;
  readonly platform: Platform;
  /** Digest of its config. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

const Descriptor = z.object({ digest: z.string(), size: z.number() });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor) });

/** Each read is a round trip to the file system, which answers many at once. */
export const READS_AT_A_TIME = 32;

/** All images that are published, as their manifests in the repository say. One that cannot be read does not count. */
export async function findPublished(view: RepositoryView): Promise<FoundImage[]> {
  const names = await namesWith(MANIFEST_FILE, view);
  const all = new Set(names);
  const ours = names.filter((name) => !all.has(usualName(name)) || usualName(name) === name);
  const found = await mapLimited(ours, READS_AT_A_TIME, async (name) => {
    const manifest = parse(await view.read(manifestPath(name)));
    if (manifest === undefined) return [];
    const layers = manifest.layers.map(({ digest, size: sizeBytes }) => ({ digest, sizeBytes }));
    return [{ ...parsePlatformName(name), config: manifest.config.digest, layers }];
  });
  return found.flat();
}

/** DUCC has linux/amd64, and variants that are an architecture's first, in folders of their own. */
function usualName(name: string): string {
  const { platform, publicName } = parsePlatformName(name);
  return platformName(platform, publicName);
}

function parse(bytes: Buffer | undefined): z.output<typeof Manifest> | undefined {
  return bytes === undefined ? undefined : parseIfValid(Manifest, bytes);
}

/**
 * The public names of all images whose metadata has the file `file`. Level by level, since a tree of thousands of folders takes long
 * one after the other.
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
