import { isFailure } from '../../core/failure.ts';
import { mapLimited } from '../../core/concurrency.ts';
import { isOwnFolder } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { MULTIARCH_FOLDER, parsePlatformName, platformName } from '../image/layout.ts';
import { PODMAN_FILE } from '../outputs/podman/image-record.ts';
import type { RepositoryView } from '../publication/view.ts';
import { findPublished, namesWith, publishedNames, READS_AT_A_TIME } from '../published/find-published.ts';
import { publishedReference } from '../published/published-image.ts';

/**
 * The names of all images in a repository, also of those whose manifests are gone: they still have a record for podman, or a
 * public name that leads to a flat tree of no other image.
 */
export async function namesToVerify(view: RepositoryView): Promise<string[]> {
  const names = new Set(await publishedNames(view));
  const known = new Set([...names].map(usualName));
  const configs = new Set((await findPublished(view)).map(({ config }) => config));
  const links = (await flatLinks(view)).filter(({ hex }) => !configs.has(`sha256:${hex}`));
  for (const name of [...(await namesWith(PODMAN_FILE, view)), ...links.map(({ path }) => path)]) {
    const usual = usualName(name);
    if (known.has(usual) || !isImageName(usual)) continue;
    known.add(usual);
    names.add(usual);
  }
  return [...names].sort();
}

/** As images have them: DUCC has some in folders of its own. */
function usualName(name: string): string {
  const { platform, publicName } = parsePlatformName(name);
  return platformName(platform, publicName);
}

function isImageName(name: string): boolean {
  try {
    publishedReference(parsePlatformName(name).publicName);
    return true;
  } catch (error) {
    if (isFailure(error, 'reference-invalid')) return false;
    throw error;
  }
}

const TO_FLAT = /^(?:\.\.\/)+\.flat\/[0-9a-f]{2}\/([0-9a-f]{64})$/;

/** All symbolic links to flat trees where public names are, level by level. No link is followed. */
async function flatLinks(view: RepositoryView): Promise<{ readonly path: BytePath; readonly hex: string }[]> {
  const found: { path: BytePath; hex: string }[] = [];
  let folders: BytePath[] = (await view.list(''))
    .filter(({ name, kind }) => kind === 'directory' && !isOwnFolder(name))
    .map(({ name }) => name);
  for (const { name, kind } of await view.list(MULTIARCH_FOLDER))
    if (kind === 'directory') folders.push(`${MULTIARCH_FOLDER}/${name}`);
  while (folders.length > 0) {
    const below = await mapLimited(folders, READS_AT_A_TIME, async (folder) => {
      const children = await view.list(folder);
      for (const { name, kind } of children) {
        const path = `${folder}/${name}`;
        const target = kind === 'symlink' ? await view.readLink(path) : undefined;
        const hex = TO_FLAT.exec(target ?? '')?.[1];
        if (hex !== undefined) found.push({ path, hex });
      }
      return children.flatMap(({ name, kind }) =>
        kind === 'directory' && !isOwnFolder(name) ? [`${folder}/${name}`] : [],
      );
    });
    folders = below.flat();
  }
  return found;
}
