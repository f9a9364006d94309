import { LINUX_AMD64, formatPlatform, usualPlatform } from '../../core/oci/platform.ts';
import { settingsOver, type Keep, type WishSettings } from '../recipe/settings.ts';
import { OUTPUT_NAMES, type OutputName } from '../../core/outputs.ts';
import type { RecipeWish, WantedPlatform, WishedImage } from './wished-image.ts';

/** The settings of images that several wishes can ask for. */
export type UnitedSettings = Pick<WishedImage, 'platforms' | 'outputs' | 'keep'>;

/** What a wish without platforms asks for, where no default says otherwise. */
const UNNAMED: readonly WantedPlatform[] = [{ platform: LINUX_AMD64, isRequired: true }];

/** The forms of a wish that names none, where no default says otherwise. */
const USUAL_OUTPUTS: readonly OutputName[] = OUTPUT_NAMES;

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
  const united = new Map<string, WantedPlatform>();
  for (const { platform, isRequired } of [...(one ?? UNNAMED), ...(other ?? UNNAMED)]) {
    const name = formatPlatform(usualPlatform(platform));
    const isNamed = isRequired || united.get(name)?.isRequired === true;
    united.set(name, { platform, isRequired: isNamed });
  }
  return [...united.values()];
}

function isSameList(one: readonly WantedPlatform[], other: readonly WantedPlatform[]): boolean {
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
