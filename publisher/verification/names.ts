import { isOwnFolder } from '../../core/outputs.ts';
import { joinPath, type BytePath } from '../../core/system/byte-path.ts';
import { MULTIARCH_FOLDER, parsePlatformName, usualName } from '../image/layout.ts';
import { PODMAN_FILE } from '../outputs/podman/image-record.ts';
import type { RepositoryView } from '../publication/view.ts';
import { walkFolders } from '../publication/walk.ts';
import { findPublished, namesWith, publishedNames } from '../published/find-published.ts';
import { referenceIfValid } from '../published/published-image.ts';

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
    if (known.has(usual) || referenceIfValid(parsePlatformName(usual).publicName) === undefined) continue;
    known.add(usual);
    names.add(usual);
  }
  return [...names].sort();
}

const TO_FLAT = /^(?:\.\.\/)+\.flat\/[0-9a-f]{2}\/([0-9a-f]{64})$/;

/** All symbolic links to flat trees where public names are. */
async function flatLinks(view: RepositoryView): Promise<{ readonly path: BytePath; readonly hex: string }[]> {
  const found: { path: BytePath; hex: string }[] = [];
  await walkFolders(view, '', async (folder, children) => {
    for (const { name, kind } of children) {
      const path = joinPath(folder, name);
      const target = kind === 'symlink' ? await view.readLink(path) : undefined;
      const hex = TO_FLAT.exec(target ?? '')?.[1];
      if (hex !== undefined) found.push({ path, hex });
    }
    const mayHold = (name: string): boolean =>
      !isOwnFolder(name) || (folder === '' && name === MULTIARCH_FOLDER);
    return children.filter(({ name, kind }) => kind === 'directory' && mayHold(name));
  });
  return found;
}
