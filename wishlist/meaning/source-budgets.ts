import type { RecipeWish } from './wished-image.ts';

/** What the wishes of one source may cost together, so that the others' have their turn. */
export const SOURCE_LIMITS = {
  /** Images, each for each platform, where the operator does not say. */
  images: 100_000,
  /** Of tags with patterns, in one cycle: some tens of nanoseconds each. */
  comparisons: 200_000_000,
  /** The same of one wish, during which nothing else goes on. */
  comparisonsOfWish: 20_000_000,
} as const;

/** What is left for each source; a recipe that comes from none is one by itself. */
export class SourceBudgets {
  readonly #images: number;
  readonly #spent = new Map<string, { images: number; comparisons: number }>();

  constructor(images: number = SOURCE_LIMITS.images) {
    this.#images = images;
  }

  /** Whether so many more images may be meant; they count then. */
  takeImages(line: RecipeWish, images: number): boolean {
    const spent = this.#of(line);
    if (spent.images + images > this.#images) return false;
    spent.images += images;
    return true;
  }

  /** Whether so many more comparisons may be made; they count then. */
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
