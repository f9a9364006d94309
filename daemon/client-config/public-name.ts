import { platformName } from '../../publisher/image/layout.ts';
import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import type { Platform } from '../../core/oci/platform.ts';

/**
 * The first public name for `platform`, in the order of names, so that the result is stable.
 *
 * @returns `undefined` if there is none
 */
export async function firstPublicName(
  view: RepositoryView | undefined,
  platform: Platform,
): Promise<string | undefined> {
  const found = view && (await firstLink(view, platformName(platform, '')));
  return found === undefined ? undefined : displayPath(found);
}

/**
 * Bounded: paths have a limit of the system's.
 *
 * @param prefix a folder with its slash, or nothing for the repository's root
 */
async function firstLink(view: RepositoryView, prefix: BytePath): Promise<BytePath | undefined> {
  const children = [...(await view.list(prefix.replace(/\/$/, '')))];
  for (const { name, kind } of children.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    if (name.startsWith('.')) continue;
    if (kind === 'symlink') return `${prefix}${name}`;
    const below = kind === 'directory' ? await firstLink(view, `${prefix}${name}/`) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}
