import { matchesRegistry } from '../../core/oci/registry-host.ts';
import { counted, quoted } from '../../core/text.ts';
import type { RecipeWish, WishedImage } from './wished-image.ts';
import { aboutLine, type Problem, type ProblemCode } from '../recipe/problem.ts';
import type { Confinement, Recipe } from '../recipe/recipe.ts';
import type { Wish } from '../recipe/wish.ts';

/** Limits on all wishes. */
export interface Policy {
  /** Patterns as `matchesRegistry` reads them; `undefined` for all registries. */
  readonly registries?: readonly string[] | undefined;
  /** The most tags that a pattern may match, where its source has no limit. */
  readonly limit?: number | undefined;
  /** The most images, each for each platform, that the wishes of one source may mean together. */
  readonly images?: number | undefined;
  /**
   * Finds out which images hold their public names in a repository already: they keep them where another image wants the
   * name too.
   */
  readonly findHolders?: ((images: readonly WishedImage[]) => Promise<IsHolder>) | undefined;
}

export type IsHolder = (image: WishedImage, repository: string) => boolean;

/** A recipe reduced to what it may ask for. */
export interface Confined {
  readonly recipe: Recipe;
  /** A problem for each wish that is refused, at all or in some repositories; a single one where the recipe may publish nowhere. */
  readonly problems: readonly Problem[];
  /** Wishes that are refused, each with the repositories in which it is. */
  readonly refused: readonly Wish[];
}

/** Removes from `recipe` what its source may not ask for, before any registry is asked. */
export function confine(recipe: Recipe, { registries }: Policy): Confined {
  const { confinement } = recipe;
  if (confinement === undefined && registries === undefined) return { recipe, problems: [], refused: [] };
  const repositories = recipe.repositories.filter((name) => confinement?.allowsRepository(name) !== false);
  const [first] = recipe.wishes;
  if (first !== undefined && repositories.length === 0)
    return {
      recipe: { ...recipe, repositories, wishes: [] },
      problems: [nowhere(first, recipe)],
      refused: recipe.wishes.map((wish) => refusedIn(wish, wish.repositories ?? recipe.repositories)),
    };
  const subdirectory = recipe.defaults.subdirectory ?? confinement?.subdirectory;
  const { wishes, ...rest } = confineWishes(recipe, { repositories, subdirectory, registries });
  const defaults = { ...recipe.defaults, subdirectory };
  return { recipe: { ...recipe, repositories, defaults, wishes }, ...rest };
}

/** Limits on all wishes of a recipe. */
interface Bounds extends Pick<Policy, 'registries'> {
  readonly repositories: readonly string[];
  readonly subdirectory: string | undefined;
}

function confineWishes(
  recipe: Recipe,
  bounds: Bounds,
): { readonly wishes: Wish[] } & Omit<Confined, 'recipe'> {
  const problems: Problem[] = [];
  const wishes: Wish[] = [];
  const refused: Wish[] = [];
  for (const wish of recipe.wishes) {
    const wanted = wish.repositories ?? recipe.repositories;
    const problem = refusalOf(wish, recipe, bounds);
    if (problem !== undefined) {
      problems.push(problem);
      refused.push(refusedIn(wish, wanted));
      continue;
    }
    const left = wanted.filter((name) => bounds.repositories.includes(name));
    const others = wanted.filter((name) => !left.includes(name));
    if (others.length > 0) {
      problems.push(outside(wish, others, left));
      refused.push(refusedIn(wish, others));
    }
    if (left.length > 0)
      wishes.push(wish.repositories === undefined ? wish : { ...wish, repositories: left });
  }
  return { wishes, problems, refused };
}

function refusedIn(wish: Wish, repositories: readonly string[]): Wish {
  return { ...wish, repositories };
}

/** The reason why a wish is refused everywhere, if it is. */
function refusalOf(
  wish: Wish,
  { confinement }: Recipe,
  { registries, subdirectory }: Bounds,
): Problem | undefined {
  const elsewhere = otherRegistry(wish, registries) ?? otherRegistry(wish, confinement?.registries);
  if (elsewhere !== undefined || confinement === undefined) return elsewhere;
  const place = wish.settings.subdirectory ?? subdirectory;
  return plainHttp(wish, confinement) ?? otherSubdirectory(wish, place, confinement);
}

function otherRegistry(wish: Wish, patterns: readonly string[] | undefined): Problem | undefined {
  const { reference } = wish;
  if (patterns === undefined || matchesRegistry(patterns, reference)) return undefined;
  return refusal(wish, 'registry-not-allowed', {
    message: `is at ${reference.registry}/${reference.repository}, which is not allowed; the registry was not asked`,
    hint: `push the image to one of: ${patterns.join(', ')}; or ask the operator`,
  });
}

function plainHttp(wish: Wish, { allowsHttp }: Confinement): Problem | undefined {
  const { scheme, registry } = wish.reference;
  if (scheme === 'https' || allowsHttp(registry)) return undefined;
  return refusal(wish, 'http-not-allowed', {
    message: `asks for plain HTTP, which its source may not; ${registry} was not asked`,
    hint: 'write https://, or ask the operator for allow-http: true',
  });
}

function otherSubdirectory(
  wish: Wish,
  place = '',
  { subdirectory: above }: Confinement,
): Problem | undefined {
  if (above === undefined || place === above || place.startsWith(`${above}/`)) return undefined;
  return refusal(wish, 'subdirectory-not-allowed', {
    message: `asks for the subdirectory ${quoted(place)}, and its source has ${above} alone`,
    hint: `write subdirectory: ${above}, a path below it, or none`,
  });
}

function nowhere(first: Wish, { wishes, repositories }: Recipe): Problem {
  const names = repositories.join(' and ');
  const others = wishes.length === 1 ? '' : `, as ${counted(wishes.length - 1, 'other line')} of the recipe`;
  return refusal(first, 'repository-not-allowed', {
    message: `asks for ${names}, where its source may not publish${others}`,
    hint: OTHER_REPOSITORY,
  });
}

const OTHER_REPOSITORY =
  'name another repository, or ask the operator: the source, or the option repositories, must name it';

function outside(wish: Wish, others: readonly string[], left: readonly string[]): Problem {
  const rest = left.length === 0 ? '' : `; it is still published in ${left.join(' and ')}`;
  return refusal(wish, 'repository-not-allowed', {
    message: `asks for ${others.join(' and ')}, where its source may not publish${rest}`,
    hint: OTHER_REPOSITORY,
  });
}

function refusal(
  wish: Wish,
  code: ProblemCode,
  { message, hint }: Pick<Problem, 'message' | 'hint'>,
): Problem {
  return { ...aboutLine(wish, 'error'), code, message: `${quoted(wish.text)} ${message}`, hint };
}

/** Budget of all wishes of one source, so that others have their turn. */
export const SOURCE_LIMITS = {
  /** Images, each for each platform, where the operator does not say. */
  images: 100_000,
  /** Of tags with patterns, in one cycle: some tens of nanoseconds each. */
  comparisons: 200_000_000,
  /** The same for one wish, during which nothing else runs. */
  comparisonsOfWish: 20_000_000,
} as const;

/** The remaining budget of each source; a recipe without a source counts as one. */
export class SourceBudgets {
  readonly #images: number;
  readonly #spent = new Map<string, { images: number; comparisons: number }>();

  constructor(images: number = SOURCE_LIMITS.images) {
    this.#images = images;
  }

  /** Takes `images` from the budget; returns whether it sufficed. */
  takeImages(line: RecipeWish, images: number): boolean {
    const spent = this.#of(line);
    if (spent.images + images > this.#images) return false;
    spent.images += images;
    return true;
  }

  /** Takes `comparisons` from the budget; returns whether it sufficed. */
  takeComparisons(line: RecipeWish, comparisons: number): boolean {
    const spent = this.#of(line);
    const { comparisons: most, comparisonsOfWish } = SOURCE_LIMITS;
    if (comparisons > comparisonsOfWish || spent.comparisons + comparisons > most) return false;
    spent.comparisons += comparisons;
    return true;
  }

  get images(): number {
    return this.#images;
  }

  #of({ recipe, wish }: RecipeWish): { images: number; comparisons: number } {
    const key = JSON.stringify([wish.origin?.source, wish.origin === undefined ? recipe.file : '']);
    const spent = this.#spent.get(key) ?? { images: 0, comparisons: 0 };
    this.#spent.set(key, spent);
    return spent;
  }
}
