import type { IsHolder, Policy } from './confine.ts';
import { unitedSettings, type RecipeWish, type WishedImage } from './wished-image.ts';

/** An image that cannot be published because another one has its public name. */
export interface Conflict {
  readonly image: WishedImage;
  /** The image that was asked for before. */
  readonly other: WishedImage;
  /** The repositories in which both are wanted. */
  readonly repositories: readonly string[];
}

/**
 * Collects what is asked for, so that each public name has one image in each repository. Two images conflict by the
 * path alone, however it comes about: by the scheme (`http://` and `https://` of one name), or because a subdirectory
 * and a repository's path, put together, are the same. A name below another one's conflicts too, since a link cannot
 * hold anything.
 */
class WishedImages {
  /** By public name, in the order of their first wishes. */
  readonly #images = new Map<string, WishedImage>();
  /** Further images of a name, all for different repositories. */
  readonly #further = new Map<string, readonly WishedImage[]>();
  /** Images by the names of images that they would be below. Only subdirectories make such names. */
  readonly #below = new Map<string, WishedImage[]>();
  readonly #lists = new JoinedLists<RecipeWish>();

  /** Returns an image for each set of terms: a public name stands here several times where repositories differ in them. */
  all(): WishedImage[] {
    const all: WishedImage[] = [];
    for (const [name, image] of this.#images) {
      all.push(image);
      for (const other of this.#further.get(name) ?? NONE) all.push(other);
    }
    return all;
  }

  /** Adds an image of a wish. @returns its conflicts; it counts in all other repositories */
  add(image: WishedImage): readonly Conflict[] {
    const above = namesAbove(image.publicName);
    const first = this.#images.get(image.publicName);
    if (above.length === 0 && this.#below.size === 0 && this.#further.size === 0) {
      if (first === undefined || isOnSameTerms(first, image)) {
        this.#images.set(image.publicName, first === undefined ? image : this.#unitedImage(first, image));
        return NONE;
      }
    }
    return this.#addAmongOthers(image, above);
  }

  #addAmongOthers(image: WishedImage, above: readonly string[]): readonly Conflict[] {
    const conflicts = this.#conflicts(image, above);
    const refused = new Set(conflicts.flatMap(({ repositories }) => repositories));
    const repositories = image.repositories.filter((name) => !refused.has(name));
    if (repositories.length === 0) return conflicts;
    const accepted = refused.size === 0 ? image : { ...image, repositories };
    this.#set(image.publicName, this.#united(this.#of(image.publicName), accepted));
    for (const name of above) this.#below.set(name, [...(this.#below.get(name) ?? []), accepted]);
    return conflicts;
  }

  #of(name: string): readonly WishedImage[] {
    const first = this.#images.get(name);
    if (first === undefined) return NONE;
    return [first, ...(this.#further.get(name) ?? NONE)];
  }

  #set(name: string, [first, ...rest]: readonly WishedImage[]): void {
    if (first !== undefined) this.#images.set(name, first);
    if (rest.length > 0) this.#further.set(name, rest);
  }

  /** `images` of one public name, with one more wish for the same image. */
  #united(images: readonly WishedImage[], added: WishedImage): WishedImage[] {
    let left = added.repositories;
    const result: WishedImage[] = [];
    for (const image of images) {
      const repositories = image.repositories.filter((name) => left.includes(name));
      const rest = image.repositories.filter((name) => !left.includes(name));
      left = left.filter((name) => !image.repositories.includes(name));
      if (rest.length > 0) result.push(repositories.length === 0 ? image : { ...image, repositories: rest });
      if (repositories.length === 0) continue;
      const common = rest.length === 0 ? image : { ...image, repositories };
      result.push(this.#unitedImage(common, added));
    }
    if (left.length > 0) result.push({ ...added, repositories: left });
    return result;
  }

  #unitedImage(image: WishedImage, added: WishedImage): WishedImage {
    const wishes = this.#lists.joined(image.wishes, added.wishes);
    const isNamed = image.isNamed || added.isNamed;
    return { ...image, ...unitedSettings(image, added), isNamed, wishes };
  }

  #conflicts(image: WishedImage, above: readonly string[]): Conflict[] {
    const same = this.#of(image.publicName).filter((other) => !isSame(other, image));
    const below = this.#below.get(image.publicName) ?? [];
    return [...same, ...above.flatMap((name) => this.#of(name)), ...below].flatMap((other) => {
      const repositories = image.repositories.filter((name) => other.repositories.includes(name));
      return repositories.length === 0 ? [] : [{ image, other, repositories }];
    });
  }
}

const NONE: readonly never[] = [];

/** Joins lists. The images of a pattern mostly have the same wishes before: they share the list that comes of it. */
class JoinedLists<Item> {
  /** By the first list. */
  readonly #joined = new Map<readonly Item[], readonly Item[]>();
  #last: readonly Item[] = [];

  joined(first: readonly Item[], last: readonly Item[]): readonly Item[] {
    if (last !== this.#last) this.#joined.clear();
    this.#last = last;
    const list = this.#joined.get(first) ?? first.concat(last);
    this.#joined.set(first, list);
    return list;
  }
}

function isOnSameTerms(one: WishedImage, other: WishedImage): boolean {
  return one.repositories === other.repositories && isSame(one, other);
}

/** Images of one public name differ only in how the name is divided, and in the scheme. */
function isSame({ reference: one }: WishedImage, { reference: other }: WishedImage): boolean {
  return (
    one.scheme === other.scheme && one.registry === other.registry && one.repository === other.repository
  );
}

function isWithin(index: number, end: number): boolean {
  return index !== -1 && index < end;
}

/**
 * The names of images that `name` would be below: `quay.io/lab/tool:1` of `quay.io/lab/tool:1/editor:2`, which is the
 * image `tool:1/editor:2` of the host `tool`, port 1, in the subdirectory `quay.io/lab`. A host alone is no image.
 */
function namesAbove(name: string): readonly string[] {
  const last = name.lastIndexOf('/');
  if (!isWithin(name.indexOf(':'), last) && !isWithin(name.indexOf('@'), last)) return NONE;
  const parts = name.split('/').slice(0, -1);
  return parts.flatMap((part, index) =>
    index > 0 && /[:@]/.test(part) ? [parts.slice(0, index + 1).join('/')] : [],
  );
}

/** The images that a wish means. */
export interface Meant {
  readonly line: RecipeWish;
  /** The beginning of all its public names. */
  readonly names: string;
  readonly images: readonly WishedImage[];
}

/** Images with their public names, and those whose names others have. */
export interface Assignment {
  /** In the order of the wishes; where names conflict, first those that take precedence. */
  readonly images: readonly WishedImage[];
  readonly conflicts: ReadonlyMap<Meant, readonly Conflict[]>;
}

/** Images that take precedence over those after them. */
type Rank = (image: WishedImage) => boolean;

/**
 * Gives each public name in each repository to one image. Where several want one, that goes before the others which
 * comes over HTTPS, then that which has the name already, then that which was asked for first.
 */
export async function assignNames(
  meant: readonly Meant[],
  { findHolders }: Pick<Policy, 'findHolders'>,
): Promise<Assignment> {
  const first = assign(meant, [() => true]);
  const rivals = [...first.conflicts.values()].flat().flatMap(({ image, other }) => [image, other]);
  if (rivals.length === 0) return first;
  const isHolder: IsHolder = (await findHolders?.(rivals)) ?? (() => false);
  const isHeld: Rank = (image) => image.repositories.some((repository) => isHolder(image, repository));
  const ranks: readonly Rank[] = [
    (image) => isSecure(image) && isHeld(image),
    (image) => isSecure(image) && !isHeld(image),
    (image) => !isSecure(image) && isHeld(image),
    (image) => !isSecure(image) && !isHeld(image),
  ];
  return assign(meant, ranks, new Set(rivals.map(({ publicName }) => publicName)));
}

function isSecure({ reference }: WishedImage): boolean {
  return reference.scheme === 'https';
}

/** @param contested names for which each repository is looked at separately: an image may have them in one alone */
function assign(
  meant: readonly Meant[],
  ranks: readonly Rank[],
  contested: ReadonlySet<string> = new Set(),
): Assignment {
  const images = new WishedImages();
  const conflicts = new Map<Meant, Conflict[]>();
  for (const rank of ranks) {
    for (const one of meant) {
      const found = one.images.flatMap((image) => {
        const parts = contested.has(image.publicName) ? divided(image) : [image];
        return parts.filter(rank).flatMap((part) => images.add(part));
      });
      if (found.length > 0) conflicts.set(one, [...(conflicts.get(one) ?? []), ...found]);
    }
  }
  return { images: images.all(), conflicts };
}

/** By repository. */
function divided(image: WishedImage): readonly WishedImage[] {
  const { repositories } = image;
  if (repositories.length === 1) return [image];
  return repositories.map((repository) => Object.assign({}, image, { repositories: [repository] }));
}
