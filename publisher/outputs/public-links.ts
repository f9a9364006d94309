import { posix } from 'node:path';
import { isPlain, type NamedImage, type ReadyImage, type ResolvedImage } from '../image/image.ts';
import {
  flatId,
  flatPath,
  parsePlatformName,
  MULTIARCH_FOLDER,
  multiarchName,
  platformFolder,
  isVariantTarget,
} from '../image/layout.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { SymbolicLinkEntry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import {
  NOTHING_CHANGES,
  NOTHING_PLANNED,
  type Collector,
  type CollectorContext,
  type ImagePlan,
  type OutputChanges,
} from './output.ts';

/**
 * Images whose plain names lead each client to its own architecture, as DUCC 2.14 makes them: those wanted
 * for several platforms, all, or none. Clients of CernVM-FS expand variables in the targets of symbolic links, and set
 * `CVMFS_ARCH` to the output of `uname -m`.
 *
 * @see cvmfs/cvmfs#3680, #3897; CernVM-FS documentation, "Variant Symlinks"
 */
export type MultiarchLinks = 'auto' | 'always' | 'never';

/** A symbolic link by which users find images. */
export type PublicLink = Pick<SymbolicLinkEntry, 'path' | 'target'>;

type Linked = Pick<ResolvedImage, 'platform' | 'publicName' | 'hasVariantLink' | 'manifest'>;

/** Collects the links of images, with further names of the platforms that these are for. */
export class PublicLinks implements Collector {
  readonly #context: CollectorContext;
  /** By their paths: all platforms of an image have its plain name. */
  readonly #links = new Map<BytePath, PublicLink>();
  readonly #platformFolders = new Set<BytePath>();
  /** Links of images that are taken back. */
  readonly #withdrawn = new Set<BytePath>();
  /** Their plain names that are variant links: these go with the last platform. */
  readonly #variants = new Set<BytePath>();

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  async plan(image: ReadyImage): Promise<ImagePlan> {
    if (!image.outputs.has('flat')) return NOTHING_PLANNED;
    const links = await publicLinks(this.#context.view, image);
    return {
      ...NOTHING_PLANNED,
      entries: links.map(({ path }) => ({ path, type: 'symlink' })),
      take: () => this.#take(image, links),
    };
  }

  /** Links that lead to another tree, and anything other than a link, are not ours to take. */
  async withdraw(image: NamedImage): Promise<(() => void) | string> {
    const { view } = this.#context;
    const plainName = plainNameOf(image);
    const own = ownLinkOf(image);
    if ((await view.kindOf(own)) !== undefined && !(await leadsToFlat(view, own, image)))
      return `${own} is no link to its flat tree`;
    const links: BytePath[] = [];
    for (const path of new Set([own, multiarchName(image.platform, plainName)]))
      if (await leadsToFlat(view, path, image)) links.push(path);
    return () => {
      if (image.hasVariantLink) this.#variants.add(plainName);
      for (const link of links) this.#withdrawn.add(link);
    };
  }

  async restore(image: NamedImage): Promise<() => void> {
    const links = image.outputs.has('flat') ? await publicLinks(this.#context.view, image) : [];
    return () => this.#take(image, links);
  }

  #take(image: NamedImage, links: readonly PublicLink[]): void {
    for (const link of links) this.#links.set(link.path, link);
    if (links.length > 0 && image.hasVariantLink) this.#platformFolders.add(platformFolder(image.platform));
  }

  async changes(): Promise<OutputChanges> {
    const folders = this.#platformFolders;
    const aliases = folders.size === 0 ? [] : await aliasLinks(this.#context.view, folders);
    const attributes = { ...this.#context.attributes, mode: 0o777 };
    const names = [...aliases, ...this.#links.values()].map(({ path, target }): SymbolicLinkEntry => ({
      type: 'symlink',
      path,
      attributes,
      target,
      isVariant: isVariantTarget(target),
    }));
    const outdated = [...(await this.#lastVariants()), ...this.#withdrawn];
    return { ...NOTHING_CHANGES, names, outdated };
  }

  /** Variant links that lead nowhere once the others are gone. */
  async #lastVariants(): Promise<BytePath[]> {
    const { view } = this.#context;
    if (this.#variants.size === 0) return [];
    const platforms = (await view.list(MULTIARCH_FOLDER)).filter(({ kind }) => kind === 'directory');
    const last: BytePath[] = [];
    for (const variant of this.#variants) {
      const paths = platforms.map(({ name }) => `${MULTIARCH_FOLDER}/${name}/${variant}`);
      const left = paths.filter((path) => !this.#withdrawn.has(path));
      const kinds = await Promise.all(left.map(async (path) => await view.kindOf(path)));
      if (kinds.every((kind) => kind === undefined)) last.push(variant);
    }
    return last;
  }
}

/** The name that leads to the image for this platform and no other. */
function ownLinkOf(image: Omit<Linked, 'manifest'>): BytePath {
  const isShared = image.hasVariantLink && isPlain(image.platform);
  return isShared ? multiarchName(image.platform, image.publicName) : image.publicName;
}

/** Reports whether the link at `path` is the one to the image's flat tree. */
async function leadsToFlat(
  view: RepositoryView,
  path: BytePath,
  image: Pick<Linked, 'manifest'>,
): Promise<boolean> {
  return (await view.readLink(path)) === linkToFlat(path, image).target;
}

/**
 * The links that are to lead to the image, each after those that it leads to.
 *
 * The plain name is there for all platforms of an image. It belongs to linux/amd64, which alone may turn a plain link into
 * a variant one: with the others it would lose the tree that it leads to. They make it where there is none.
 * @internal
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

/** Reports whether all of them exist. Their targets are not checked; anything other than a link is left as it is. */
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
 * @internal
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

function linkToFlat(path: BytePath, { manifest }: Pick<Linked, 'manifest'>): PublicLink {
  return { path, target: posix.relative(posix.dirname(path), flatPath(flatId(manifest))) };
}

function plainNameOf({ publicName }: Pick<Linked, 'publicName'>): string {
  return parsePlatformName(publicName).publicName;
}

/** Target of the plain name, expanded by the client. @internal */
export function variantTarget(name: string): string {
  return posix.relative(posix.dirname(name), `${MULTIARCH_FOLDER}/$(CVMFS_ARCH:-amd64)/${name}`);
}

/**
 * Further names of architectures, with the folders that they mean, the best first: by the kernel (`uname -m`), and by
 * Debian and DUCC. A folder may have been made by DUCC, which keeps variants that are an architecture's first.
 * @internal
 */
export const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['i386', ['386']],
  ['i686', ['386']],
  ['aarch64', ['arm64', 'arm64:v8']],
  ['arm64:v8', ['arm64']],
  ['armv6l', ['arm:v6']],
  ['armel', ['arm:v6']],
  ['armv7l', ['arm:v7', 'arm']],
  ['armhf', ['arm', 'arm:v7']],
  ['armv8l', ['arm:v8']],
  ['loongarch64', ['loong64']],
]);
