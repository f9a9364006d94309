import { posix } from 'node:path';
import { isPlain, type ResolvedImage } from './image.ts';
import { flatId, flatPath, parsePlatformName } from './layout.ts';
import { ALIASES, isVariantTarget, MULTIARCH_FOLDER, multiarchName, variantTarget } from './multiarch.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';

/** A symbolic link by which users find images. */
export interface PublicLink {
  readonly path: BytePath;
  readonly target: string;
}

type Linked = Pick<ResolvedImage, 'platform' | 'publicName' | 'hasVariantLink' | 'manifest'>;

/**
 * The links that are to lead to the image, each after those that it leads to.
 *
 * The plain name is there for all platforms of an image. It belongs to linux/amd64, which alone may turn a plain link into
 * a variant one: with the others it would lose the tree that it leads to. They make it where there is none.
 */
export async function publicLinks(view: RepositoryView, image: Linked): Promise<PublicLink[]> {
  const { platform, publicName, hasVariantLink } = image;
  const own = linkToFlat(publicName, image);
  const plainName = plainNameOf(image);
  const variant = { path: plainName, target: variantTarget(plainName) };
  if (!isPlain(platform)) {
    const isMissing = hasVariantLink && (await view.kindOf(plainName)) === undefined;
    return isMissing ? [own, variant] : [own];
  }
  const further = linkToFlat(multiarchName(platform, plainName), image);
  if (hasVariantLink) return [further, variant];
  // Somebody may use the longer name, which must not lead to an old image.
  return (await view.kindOf(further.path)) === 'symlink' ? [further, own] : [own];
}

/** Whether all of them are there. Where they lead is not looked at, and what is no link stays as somebody made it. */
export async function isLinked(view: RepositoryView, image: Linked): Promise<boolean> {
  const { platform, publicName, hasVariantLink } = image;
  const target = await view.readLink(publicName);
  if (target === undefined) return (await view.kindOf(publicName)) !== undefined;
  const plainName = plainNameOf(image);
  if (!isPlain(platform)) return !hasVariantLink || (await view.kindOf(plainName)) !== undefined;
  if (isVariantTarget(target) !== hasVariantLink) return false;
  return !hasVariantLink || (await view.kindOf(multiarchName(platform, plainName))) === 'symlink';
}

/**
 * The links by which further names of architectures lead to the folders of platforms: those that are missing or lead
 * elsewhere. What is a folder itself stays.
 *
 * @param brought folders that the publication brings
 */
export async function aliasLinks(view: RepositoryView, brought: Iterable<BytePath>): Promise<PublicLink[]> {
  const children = await view.list(MULTIARCH_FOLDER);
  const kinds = new Map(children.map(({ name, kind }) => [name, kind]));
  for (const folder of brought) kinds.set(posix.basename(folder), 'directory');
  const links: PublicLink[] = [];
  for (const [alias, folders] of ALIASES) {
    const target = folders.find((folder) => kinds.get(folder) === 'directory');
    const kind = kinds.get(alias);
    if (target === undefined || (kind !== undefined && kind !== 'symlink')) continue;
    const path = `${MULTIARCH_FOLDER}/${alias}`;
    if ((await view.readLink(path)) !== target) links.push({ path, target });
  }
  return links;
}

function linkToFlat(path: BytePath, { manifest }: Linked): PublicLink {
  return { path, target: posix.relative(posix.dirname(path), flatPath(flatId(manifest))) };
}

function plainNameOf({ publicName }: Linked): string {
  return parsePlatformName(publicName).publicName;
}
