import { uniteSettings } from './effective-settings.ts';
import { formatReference } from './reference.ts';
import type { WishedImage } from './wished-image.ts';

/** An image that cannot be published, because another one has its place. */
export interface Conflict {
  readonly image: WishedImage;
  /** The one that was asked for before. */
  readonly other: WishedImage;
  /** Where both are wanted. */
  readonly repositories: readonly string[];
}

/**
 * Collects what is asked for, so that each public name has one image in each repository. Two images conflict by the
 * path alone, however it comes about: by the scheme (`http://` and `https://` of one name), or because a subdirectory
 * and a repository's path, put together, are the same. A name below another one's conflicts too, since a link cannot
 * hold anything.
 */
export class WishedImages {
  /** By public name, in the order of their first wishes; those of one name are for different repositories. */
  readonly #images = new Map<string, WishedImage[]>();
  /** Images by the names of images that they would be below. Only subdirectories make such names. */
  readonly #below = new Map<string, WishedImage[]>();

  /** One image for each set of terms: where repositories differ in these, a public name stands here several times. */
  all(): WishedImage[] {
    const all: WishedImage[] = [];
    for (const images of this.#images.values()) for (const image of images) all.push(image);
    return all;
  }

  /** Adds what one wish asks for. @returns where that is not possible; elsewhere it counts */
  add(image: WishedImage): readonly Conflict[] {
    const there = this.#images.get(image.publicName);
    const above = namesAbove(image.publicName);
    if (there === undefined && above.length === 0 && this.#below.size === 0) {
      this.#images.set(image.publicName, [image]);
      return [];
    }
    const conflicts = this.#conflicts(image, above);
    const refused = new Set(conflicts.flatMap(({ repositories }) => repositories));
    const repositories = image.repositories.filter((name) => !refused.has(name));
    if (repositories.length === 0) return conflicts;
    const accepted = refused.size === 0 ? image : { ...image, repositories };
    this.#images.set(image.publicName, united(there ?? [], accepted));
    for (const name of above) this.#below.set(name, [...(this.#below.get(name) ?? []), accepted]);
    return conflicts;
  }

  #conflicts(image: WishedImage, above: readonly string[]): Conflict[] {
    const same = this.#images.get(image.publicName) ?? [];
    const others = [
      ...same.filter((other) => !isSame(other, image)),
      ...above.flatMap((name) => this.#images.get(name) ?? []),
      ...(this.#below.get(image.publicName) ?? []),
    ];
    return others.flatMap((other) => {
      const repositories = image.repositories.filter((name) => other.repositories.includes(name));
      return repositories.length === 0 ? [] : [{ image, other, repositories }];
    });
  }
}

/** `images` of one public name, with one more wish for the same image. */
function united(images: readonly WishedImage[], added: WishedImage): WishedImage[] {
  let left = added.repositories;
  const result: WishedImage[] = [];
  for (const image of images) {
    const repositories = image.repositories.filter((name) => left.includes(name));
    const rest = image.repositories.filter((name) => !left.includes(name));
    left = left.filter((name) => !image.repositories.includes(name));
    if (rest.length > 0) result.push(repositories.length === 0 ? image : { ...image, repositories: rest });
    if (repositories.length === 0) continue;
    const wishes = [...image.wishes, ...added.wishes];
    result.push({ ...uniteSettings(image, added), repositories, wishes });
  }
  if (left.length > 0) result.push({ ...added, repositories: left });
  return result;
}

function isSame({ reference: one }: WishedImage, { reference: other }: WishedImage): boolean {
  return one.scheme === other.scheme && formatReference(one) === formatReference(other);
}

/**
 * The names of images that `name` would be below: `quay.io/lab/tool:1` of `quay.io/lab/tool:1/editor:2`, which is the
 * image `tool:1/editor:2` of the host `tool`, port 1, in the subdirectory `quay.io/lab`. A host alone is no image.
 */
function namesAbove(name: string): string[] {
  const parts = name.split('/');
  return parts.flatMap((part, index) => {
    const isBetween = index > 0 && index < parts.length - 1;
    return isBetween && /[:@]/.test(part) ? [parts.slice(0, index + 1).join('/')] : [];
  });
}
