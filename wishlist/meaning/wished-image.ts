import { LINUX_AMD64, type Platform, formatPlatform, usualPlatform } from '../../core/oci/platform.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { outputNames, type OutputName } from '../../core/outputs.ts';
import type { Problem } from '../recipe/problem.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { type Keep, type WishSettings, settingsOver } from '../recipe/settings.ts';
import type { Wish } from '../recipe/wish.ts';

/** A wish with its recipe. */
export interface RecipeWish {
  readonly recipe: Recipe;
  readonly wish: Wish;
}

/** A problem with its recipe. */
export interface RecipeProblem {
  readonly recipe: Recipe;
  readonly problem: Problem;
}

/** An image that is asked for. */
export interface WishedImage {
  /** Concrete: its tag is not a pattern. */
  readonly reference: ImageReference;
  /** `[<subdirectory>/]<registry>/<repository>:<tag>`: where it is published for linux/amd64. */
  readonly publicName: string;
  /** The repositories in which it is wanted on these terms: at least one, each once. */
  readonly repositories: readonly string[];
  /**
   * The platforms that its wishes ask for together, each once. `undefined` where nobody names one: then linux/amd64, or the
   * platform of a manifest without an index.
   */
  readonly platforms: readonly WishedPlatform[] | undefined;
  /** The outputs that its wishes ask for together; `undefined` where nobody names one. */
  readonly outputs: readonly OutputName[] | undefined;
  /** The longest time that one of the wishes asks for; `undefined` where nobody names one. */
  readonly keep: Keep | undefined;
  /** The most images to keep that its tag led to before, of all its wishes. */
  readonly keptDigests?: number;
  /** A wish names it, not only a pattern matches it. */
  readonly isNamed: boolean;
  /** The wishes for it, in their order: at least one. */
  readonly wishes: readonly RecipeWish[];
}

/** A platform for which an image is to be published. */
export interface WishedPlatform {
  readonly platform: Platform;
  /** A wish names it, so that an image without it is an error; a platform by default may be missing. */
  readonly isRequired: boolean;
}

/** The beginning of the public names of all tags of a repository: `[<subdirectory>/]<registry>/<repository>`. */
export function namesOf({ registry, repository }: ImageReference, subdirectory: string | undefined): string {
  const name = `${registry}/${repository}`;
  return subdirectory === undefined ? name : `${subdirectory}/${name}`;
}

/** The settings of images that several wishes can ask for. */
export type UnitedSettings = Pick<WishedImage, 'platforms' | 'outputs' | 'keep' | 'keptDigests'>;

/** The platforms of a wish that names none, without defaults. */
const UNNAMED: readonly WishedPlatform[] = [{ platform: LINUX_AMD64, isRequired: true }];

/** The outputs of a wish that names none, without defaults. */
const USUAL_OUTPUTS: readonly OutputName[] = outputNames();

/** The settings of a wish: its own, else its recipe's, else `defaults`. */
export function effectiveSettings(
  { recipe, wish }: RecipeWish,
  defaults: WishSettings,
): Omit<WishSettings, 'platforms'> & UnitedSettings {
  const settings = settingsOver(wish.settings, settingsOver(recipe.defaults, defaults));
  const isRequired = wish.settings.platforms !== undefined;
  return { ...settings, platforms: settings.platforms?.map((platform) => ({ platform, isRequired })) };
}

/** Unites the settings of two wishes. The default platforms and outputs are written out where the other wish names some. */
export function unitedSettings(one: UnitedSettings, other: UnitedSettings): UnitedSettings {
  const keptDigests = Math.max(one.keptDigests ?? 0, other.keptDigests ?? 0);
  return {
    ...(keptDigests > 0 && { keptDigests }),
    platforms: unitePlatforms(one.platforms, other.platforms),
    outputs: uniteOutputs(one.outputs, other.outputs),
    keep: longestKeep(one.keep, other.keep),
  };
}

function unitePlatforms(
  one: UnitedSettings['platforms'],
  other: UnitedSettings['platforms'],
): UnitedSettings['platforms'] {
  if (one === other || (one !== undefined && other !== undefined && isSameList(one, other))) return one;
  const united = new Map<string, WishedPlatform>();
  for (const { platform, isRequired } of [...(one ?? UNNAMED), ...(other ?? UNNAMED)]) {
    const name = formatPlatform(usualPlatform(platform));
    const isNamed = isRequired || united.get(name)?.isRequired === true;
    united.set(name, { platform, isRequired: isNamed });
  }
  return [...united.values()];
}

function isSameList(one: readonly WishedPlatform[], other: readonly WishedPlatform[]): boolean {
  if (one.length !== other.length) return false;
  return one.every(
    ({ platform, isRequired }, index) =>
      platform === other[index]?.platform && isRequired === other[index].isRequired,
  );
}

function uniteOutputs(
  one: UnitedSettings['outputs'],
  other: UnitedSettings['outputs'],
): UnitedSettings['outputs'] {
  if (one === other) return one;
  return [...new Set([...(one ?? USUAL_OUTPUTS), ...(other ?? USUAL_OUTPUTS)])];
}

export function longestKeep(one: Keep | undefined, other: Keep | undefined): Keep | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one === 'forever' || other === 'forever') return 'forever';
  return one.days >= other.days ? one : other;
}
