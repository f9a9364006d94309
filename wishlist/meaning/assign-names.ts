import type { IsHolder, Policy } from './confine.ts';
import type { RecipeWish, WishedImage } from './wished-image.ts';
import { WishedImages, type Conflict } from './wished-images.ts';

/** What one wish means. */
export interface Meant {
  readonly line: RecipeWish;
  /** What all its public names begin with. */
  readonly names: string;
  readonly images: readonly WishedImage[];
}

/** Which images have their names, and where others have them. */
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

/** @param contested names for which each repository is looked at by itself: an image may have them in one alone */
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
