import type { Policy } from '../../wishlist/meaning/confine.ts';
import { NO_SETTINGS, type WishSettings } from '../../wishlist/recipe/settings.ts';
import type { Configuration } from './options.ts';

/** What counts for wishes that say nothing themselves, nor do their recipes. */
export function configuredSettings({ platforms }: Pick<Configuration, 'platforms'>): WishSettings {
  return { ...NO_SETTINGS, platforms };
}

/** What no wish may go beyond. */
export function configuredPolicy({
  allowedRegistries: registries,
  patternLimit: limit,
  sourceImageLimit: images,
}: Pick<Configuration, 'allowedRegistries' | 'patternLimit' | 'sourceImageLimit'>): Policy {
  return { registries, limit, images };
}
