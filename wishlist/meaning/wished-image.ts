import type { Platform } from '../../core/oci/platform.ts';
import type { Problem } from '../recipe/problem.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Keep } from '../recipe/settings.ts';
import type { OutputName } from '../../core/outputs.ts';
import type { Wish } from '../recipe/wish.ts';

/** What of a recipe counts for the meaning of its lines. */
export type Wishlist = Pick<
  Recipe,
  'file' | 'repositories' | 'defaults' | 'wishes' | 'problems' | 'confinement'
>;

/** One line of one of several recipes. */
export interface RecipeWish {
  readonly recipe: Wishlist;
  readonly wish: Wish;
}

/** What is wrong or doubtful in a line of one of several recipes. */
export interface RecipeProblem {
  readonly recipe: Wishlist;
  readonly problem: Problem;
}

/** One image that is asked for. */
export interface WishedImage {
  /** Concrete: its tag is no pattern. */
  readonly reference: ImageReference;
  /** `[<subdirectory>/]<registry>/<repository>:<tag>`: where it is published for linux/amd64. */
  readonly publicName: string;
  /** Where it is wanted on these terms: at least one repository, each once. */
  readonly repositories: readonly string[];
  /**
   * What all wishes for it ask for together, each platform once. `undefined` where nobody names one: then linux/amd64,
   * or whatever a manifest that stands in no index is for.
   */
  readonly platforms: readonly WantedPlatform[] | undefined;
  /** All forms that one of the wishes asks for; `undefined` where nobody names one. */
  readonly outputs: readonly OutputName[] | undefined;
  /** The longest time that one of the wishes asks for; `undefined` where nobody names one. */
  readonly keep: Keep | undefined;
  /** Whether somebody names it, and not only a pattern means it. */
  readonly isNamed: boolean;
  /** All that ask for it, in their order: at least one. */
  readonly wishes: readonly RecipeWish[];
}

/** A platform that an image is to be published for. */
export interface WantedPlatform {
  readonly platform: Platform;
  /** Whether a wish names it, so that an image without it is an error; a platform by default may be missing. */
  readonly isRequired: boolean;
}

/** What the public names of all tags of a repository begin with: `[<subdirectory>/]<registry>/<repository>`. */
export function namesOf({ registry, repository }: ImageReference, subdirectory: string | undefined): string {
  const name = `${registry}/${repository}`;
  return subdirectory === undefined ? name : `${subdirectory}/${name}`;
}
