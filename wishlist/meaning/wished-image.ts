import { LINUX_AMD64, type Platform, formatPlatform, usualPlatform } from '../../core/oci/platform.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { outputNames, type OutputName } from '../../core/outputs.ts';
import type { Problem } from '../recipe/problem.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { type Keep, type WishSettings, settingsOver } from '../recipe/settings.ts';
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
  readonly platforms: readonly WishedPlatform[] | undefined;
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
export interface WishedPlatform {
  readonly platform: Platform;
  /** Whether a wish names it, so that an image without it is an error; a platform by default may be missing. */
  readonly isRequired: boolean;
}

/** What the public names of all tags of a repository begin with: `[<subdirectory>/]<registry>/<repository>`. */
export function namesOf({ registry, repository }: ImageReference, subdirectory: string | undefined): string {
  const name = `${registry}/${repository}`;
  return subdirectory === undefined ? name : `${subdirectory}/${name}`;
}

/** The settings of images that several wishes can ask for. */
export type UnitedSettings = Pick<WishedImage, 'platforms' | 'outputs' | 'keep'>;

/** What a wish without platforms asks for, where no default says otherwise. */
const UNNAMED: readonly WishedPlatform[] = [{ platform: LINUX_AMD64, isRequired: true }];

/** The forms of a wish that names none, where no default says otherwise. */
const USUAL_OUTPUTS: readonly OutputName[] = outputNames();

/** What counts for a wish: what it says itself, else its recipe, else `defaults`. */
export function effectiveSettings(
  { recipe, wish }: RecipeWish,
  defaults: WishSettings,
): Omit<WishSettings, 'platforms'> & UnitedSettings {
  const settings = settingsOver(wish.settings, settingsOver(recipe.defaults, defaults));
  const isRequired = wish.settings.platforms !== undefined;
  return { ...settings, platforms: settings.platforms?.map((platform) => ({ platform, isRequired })) };
}

/** What both ask for together. Platforms and outputs that nobody names are written out where the other names some. */
export function unitedSettings(one: UnitedSettings, other: UnitedSettings): UnitedSettings {
  return {
    platforms: unitePlatforms(one.platforms, other.platforms),
    outputs: uniteOutputs(one.outputs, other.outputs),
    keep: longest(one.keep, other.keep),
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

function longest(one: Keep | undefined, other: Keep | undefined): Keep | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one === 'forever' || other === 'forever') return 'forever';
  return one.days >= other.days ? one : other;
}
